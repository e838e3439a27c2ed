/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * life --reference SOCKET MODE…: reads the quick set of doors (doors.h) at the
 * first moment of new tasks, lines preceded by the event's name.
 *
 *   births              fork, vfork, clone, thread, posix_spawn in turn
 *   clone_into DIR [PROG ARG…]
 *                       a child born in the cgroup of DIR by CLONE_INTO_CGROUP,
 *                       which becomes PROG afterwards
 *   seccomp             under a filter
 *   serve               for each word on stdin: a reading under that name,
 *                       (by all doors if that begins with "all"), then a
 *                       line "."; from the word "thread" on by
 *                       another thread than the first, from the word
 *                       "sibling" on by another process with its memory
 */
#define _GNU_SOURCE
#include "doors.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *reference;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* A connection of its own: the parent may be asking at the same time. */
static void read_as(const char *name)
{
	doors_begin(reference, environ);
	doors_collect(DOORS_QUICK);
	doors_print(name);
}

static void reap(pid_t pid)
{
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("child");
}

static void birth_fork(void)
{
	pid_t pid = fork();

	if (!pid) {
		read_as("fork");
		_exit(0);
	}
	reap(pid);
}

/* The child borrows the parent's memory: it collects, the parent prints. */
static void birth_vfork(void)
{
	pid_t pid;

	doors_begin(reference, environ);
	pid = vfork();
	if (!pid) {
		doors_collect(DOORS_QUICK);
		_exit(0);
	}
	reap(pid);
	doors_print("vfork");
}

static int child_of_clone(void *name)
{
	read_as(name);
	return 0;
}

static void birth_clone(void)
{
	static char stack[256 * 1024] __attribute__((aligned(16)));
	char name[] = "clone";

	reap(clone(child_of_clone, stack + sizeof(stack), SIGCHLD, name));
}

static void *body_of_thread(void *name)
{
	read_as(name);
	return NULL;
}

static void birth_thread(void)
{
	char name[] = "thread";
	pthread_t thread;

	if (pthread_create(&thread, NULL, body_of_thread, name) ||
	    pthread_join(thread, NULL))
		die("thread");
}

static void birth_posix_spawn(void)
{
	char name[] = "life", option[] = "--reference", mode[] = "spawned";
	char *argv[] = { name, option, reference, mode, NULL };
	pid_t pid;

	errno = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ);
	if (errno)
		die("posix_spawn");
	reap(pid);
}

static void births(void)
{
	birth_fork();
	birth_vfork();
	birth_clone();
	birth_thread();
	birth_posix_spawn();
}

/* struct clone_args of the kernel, first version with `cgroup` */
struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
	uint64_t stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
#define CLONE3_INTO_CGROUP 0x200000000ULL

static void clone_into(const char *dir, char **program)
{
	struct clone3_args args = { .flags = CLONE3_INTO_CGROUP,
				    .exit_signal = SIGCHLD };
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	long pid;

	if (fd < 0)
		die(dir);
	args.cgroup = (uint64_t)fd;
	pid = raw3(NR_CLONE3, (long)&args, sizeof(args), 0);
	if (pid < 0) {
		errno = (int)-pid;
		die("clone3");
	}
	if (!pid) {
		read_as("clone_into");
		if (!*program)
			_exit(0);
		execvp(*program, program);
		die(*program);
	}
	reap((pid_t)pid);
}

/* One instruction that allows everything: that there is a filter at all is
 * what makes the system call take the kernel's slow way. */
static void seccomp(void)
{
	struct {
		uint16_t code;
		uint8_t jt, jf;
		uint32_t k;
	} allow = { 0x06, 0, 0, 0x7fff0000 };
	struct {
		uint16_t length;
		void *filter;
	} filter = { 1, &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, 2, &filter, 0, 0))
		die("seccomp");
	read_as("seccomp");
}

static void answer(const char *word)
{
	doors_collect(strncmp(word, "all", 3) ? DOORS_QUICK : DOORS_ALL);
	doors_print(word);
	puts(".");
	fflush(stdout);
}

static void *serve(void *unused);

static void serve_by_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, serve, NULL))
		die("pthread_create");
	pthread_join(thread, NULL);
}

static int serve_alone(void *unused)
{
	serve(unused);
	return 0;
}

/* Neither parent nor child of this process, which uses nothing of the C library
 * any more. */
static void serve_by_sibling(void)
{
	static char stack[1 << 20] __attribute__((aligned(16)));

	if (clone(serve_alone, stack + sizeof(stack),
		  CLONE_VM | CLONE_PARENT | SIGCHLD, NULL) < 0)
		die("clone");
	for (;;)
		pause();
}

static void *serve(void *unused)
{
	char word[64];

	while (scanf("%63s", word) == 1) {
		answer(word);
		if (!strcmp(word, "thread"))
			serve_by_thread();
		if (!strcmp(word, "sibling"))
			serve_by_sibling();
	}
	exit(0);
	return unused;
}

int main(int argc, char **argv)
{
	const char *mode;

	if (argc < 4 || strcmp(argv[1], "--reference")) {
		fprintf(stderr, "life: wrong usage, see its source\n");
		return 2;
	}
	reference = argv[2];
	mode = argv[3];
	if (!strcmp(mode, "births"))
		births();
	else if (!strcmp(mode, "spawned"))
		read_as("posix_spawn");
	else if (!strcmp(mode, "clone_into") && argc > 4)
		clone_into(argv[4], argv + 5);
	else if (!strcmp(mode, "seccomp"))
		seccomp();
	else if (!strcmp(mode, "serve")) {
		doors_begin(reference, environ);
		serve(NULL);
	} else
		return 2;
	return 0;
}
