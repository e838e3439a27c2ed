/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "clocks.h"
#include "commands.h"
#include "own_loader.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAME = 1 };

struct run {
	struct tnb_clock_settings settings;
	char *name;
	const char **argv;
	char *path;
	int cgroup; /* locked while we live, see tnb_cgroup_create() */
};

static void run_option(const struct command *command, int val,
		       const char *value, void *input)
{
	struct run *run = input;

	if (clocks_take(command, val, value, &run->settings))
		return;
	free(run->name);
	run->name = strdup(value);
}

static void say_known_gaps(void)
{
	char *line = NULL;

	if (!tnb_known_gaps(&line))
		fprintf(stderr, "timensbpf: note: %s\n", line);
	free(line);
}

/* ---- The child and its signals ------------------------------------------- */

static volatile sig_atomic_t child_pid;

/* The terminal sends its own signals to the child too; these come by kill(2)
 * to us alone. */
static void forward(int number)
{
	if (child_pid > 0)
		kill(child_pid, number);
}

static const int forwarded[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM };
static const int left_to_child[] = { SIGINT, SIGQUIT };
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Signals are blocked until the child's pid is known to the handler. */
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

/* The child is born inside: it never runs an instruction in another time. */
static pid_t fork_into(int cgroup)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (__u64)cgroup,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Its number is its own until it is reaped: nothing is sent to it then. */
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

static int run_child(const struct run *run)
{
	sigset_t before;
	pid_t pid;

	block_signals(&before);
	pid = fork_into(run->cgroup);
	if (pid < 0) {
		fprintf(stderr,
			"timensbpf: cannot start a process in '%s': %s\n",
			run->path, strerror(errno));
		return EXIT_OWN_FAILURE;
	}
	if (!pid) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		_exit(command_execute(run->argv));
	}
	child_pid = pid;
	handle_signals();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return wait_for(pid);
}

static int run_in_cgroup(struct run *run)
{
	struct own_loader loader;
	struct tnb *tnb = NULL;
	int err = tnb_open(&tnb), status;

	if (!err)
		err = tnb_cgroup_create(tnb, run->name, &run->settings,
					&run->path, &run->cgroup);
	if (err) {
		tnb_close(&tnb);
		return command_fail(EXIT_OWN_FAILURE);
	}
	say_known_gaps();
	loader = own_loader_start();
	status = run_child(run);
	own_loader_stop(&loader);
	/* The command's own status counts, whatever becomes of the cgroup. */
	if (tnb_cgroup_destroy(tnb, run->path, run->cgroup))
		command_fail(status);
	close(run->cgroup);
	tnb_close(&tnb);
	return status;
}

int command_run(const struct command *command, int argc, const char **argv)
{
	static const struct poptOption options[] = {
		CLOCKS_TABLE,
		{ "name", '\0', POPT_ARG_STRING, NULL, NAME,
		  "name of the cgroup, timensbpf.NAME (default: our process id)",
		  "NAME" },
		POPT_AUTOHELP POPT_TABLEEND
	};
	struct run run = { .settings = TNB_CLOCK_SETTINGS_NONE, .cgroup = -1 };
	char pid[16];
	int status;

	run.argv =
		command_parse(command, options, run_option, &run, argc, argv);
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
