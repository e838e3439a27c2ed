/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "clocks.h"
#include "commands.h"
#include "keep_loader.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAME = 1, QUIET };

/* There once `run` has said what does not follow a rule. */
#define SAID "/run/timensbpf.noted"

struct run {
	struct tnb_clock_settings settings;
	char *name;
	bool quiet;
	const char **argv;
	char *path;
	int cgroup; /* locked while this process lives: tnb_cgroup_create() */
};

static void run_option(const struct command *command, int val,
		       const char *value, void *input)
{
	struct run *run = input;

	if (clocks_take(command, val, value, &run->settings))
		return;
	if (val == QUIET) {
		run->quiet = true;
		return;
	}
	free(run->name);
	run->name = strdup(value);
}

/* The first time since the machine has started, to a person. */
static bool is_to_be_said(void)
{
	int fd;

	if (!isatty(STDERR_FILENO))
		return false;
	fd = open(SAID, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != EEXIST;
}

/* One line; each time where more than usual is left (lockdown). */
static void say_known_gaps(const struct run *run, const struct tnb *tnb)
{
	char *line = NULL;

	if (run->quiet || !(tnb_loaded_gap(tnb, 0) || is_to_be_said()))
		return;
	if (tnb_known_gaps(&line) >= 0)
		command_say("note: %s", line);
	free(line);
}

/* Under lockdown the command would have the host's time. */
static bool lacks_loader(const struct tnb *tnb)
{
	if (!tnb_loaded_gap(tnb, 0) || tnb_loader_is_alive())
		return false;
	command_say(
		"under lockdown nothing runs without a loader: start timensbpfd");
	return true;
}

/* ---- The child and its signals ------------------------------------------- */

static volatile sig_atomic_t child_pid;

/* The terminal sends SIGINT and SIGQUIT to the child, too. The signals that are
 * forwarded come by kill(2), to this process alone. */
static void forward(int number)
{
	if (child_pid > 0)
		kill(child_pid, number);
}

static const int forwarded[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM };
static const int left_to_child[] = { SIGINT, SIGQUIT };
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Signals stay blocked until the handler knows the child's pid. */
static void block_signals(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < COUNT(forwarded); i++)
		sigaddset(&set, forwarded[i]);
	for (size_t i = 0; i < COUNT(left_to_child); i++)
		sigaddset(&set, left_to_child[i]);
	sigprocmask(SIG_BLOCK, &set, before);
}

static void handle_signals(void)
{
	struct sigaction action = { .sa_handler = forward,
				    .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < COUNT(forwarded); i++)
		sigaction(forwarded[i], &action, NULL);
	for (size_t i = 0; i < COUNT(left_to_child); i++)
		sigaction(left_to_child[i], &ignore, NULL);
}

/* The child starts inside: it runs no instruction in another time. */
static pid_t fork_into(int cgroup, int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_PIDFD,
		.exit_signal = SIGCHLD,
		.pidfd = (__u64)(uintptr_t)pidfd,
		.cgroup = (__u64)cgroup,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* The pid belongs to the child until it is reaped: forwarding ends before, so
 * that no signal reaches another process. */
static int wait_for(pid_t pid)
{
	siginfo_t info;
	int status;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT))
		if (errno != EINTR)
			return EXIT_OWN_FAILURE;
	child_pid = 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_OWN_FAILURE;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

static int run_child(const struct run *run, struct keep_loader *loader)
{
	/* While our caller's SIGCHLD is ignored there would be no status. */
	void (*on_child_end)(int) = signal(SIGCHLD, SIG_DFL);
	sigset_t before;
	int pidfd = -1;
	pid_t pid;

	block_signals(&before);
	pid = fork_into(run->cgroup, &pidfd);
	if (pid < 0) {
		command_say("cannot start a process in '%s': %s", run->path,
			    strerror(errno));
		return EXIT_OWN_FAILURE;
	}
	if (!pid) {
		signal(SIGCHLD, on_child_end);
		sigprocmask(SIG_SETMASK, &before, NULL);
		_exit(command_execute(run->argv));
	}
	child_pid = pid;
	handle_signals();
	sigprocmask(SIG_SETMASK, &before, NULL);
	keep_loader_until(loader, pidfd);
	close(pidfd);
	return wait_for(pid);
}

static int run_in_cgroup(struct run *run)
{
	struct keep_loader loader;
	struct tnb *tnb = NULL;
	int err = tnb_open(&tnb), status;

	if (!err)
		err = tnb_cgroup_create(tnb, run->name, &run->settings,
					&run->path, &run->cgroup);
	if (err) {
		tnb_close(&tnb);
		return command_fail(EXIT_OWN_FAILURE);
	}
	keep_loader_begin(&loader, run->quiet);
	say_known_gaps(run, tnb);
	status = lacks_loader(tnb) ? EXIT_OWN_FAILURE : run_child(run, &loader);
	keep_loader_end(&loader);
	/* The command's status counts, also if the cgroup stays. */
	if (tnb_cgroup_destroy(tnb, run->path, run->cgroup))
		command_fail(status);
	close(run->cgroup);
	tnb_close(&tnb);
	return status;
}

static int run_run(const struct command *command, int argc, const char **argv)
{
	struct run run = { .settings = TNB_CLOCK_SETTINGS_NONE, .cgroup = -1 };
	char pid[16];
	int status;

	run.argv = command_parse(command, run_option, &run, argc, argv);
	if (!run.argv || !*run.argv)
		command_usage(command, "a command to run is missing");
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (!run.name)
		run.name = strdup(pid);
	status = tnb_load_if_absent() ? command_fail(EXIT_OWN_FAILURE)
				      : run_in_cgroup(&run);
	free(run.name);
	free(run.path);
	return status;
}

static const struct poptOption options[] = {
	CLOCKS_TABLE,
	{ "name", '\0', POPT_ARG_STRING, NULL, NAME,
	  "name of the cgroup, timensbpf.NAME (default: our process id)",
	  "NAME" },
	{ "quiet", 'q', POPT_ARG_NONE, NULL, QUIET,
	  "say nothing about what stays the host's time, or of loaders that end",
	  NULL },
	COMMAND_HELP_OPTION,
	POPT_TABLEEND
};

static const char *const examples[] = {
	"timensbpf run --realtime +3d -- date",
	"timensbpf run --realtime '2038-01-19 03:14:00Z' -- bash",
	"timensbpf run --monotonic +30d --boottime +30d --name test -- ./server",
	NULL
};

const struct command command_run = {
	.name = "run",
	.arguments = "[CLOCKS] [--name NAME] [-q] -- COMMAND [ARGUMENT...]",
	.summary = "run a command in a fresh cgroup with its own time",
	.options = options,
	.examples = examples,
	.run = run_run,
};
