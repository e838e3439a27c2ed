/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deadline_memory FILE [KIND…]
 *   A wait until an absolute time that lies in memory of each kind. FILE: to be
 *   made on a file system that has storage.
 *
 * Prints a line for each kind:
 *   ok KIND
 *   bad KIND: reason
 *   absent KIND	the kernel does not have it
 * Status 0 if it could run.
 */
#define _GNU_SOURCE
#include "raw.h"
#include "tolerance.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define FUTURE_NS 100000000LL
#define HANG_S 4

static const char *file;

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct native_time time = { 0, 0 };

	raw3(NR_CLOCK_GETTIME, RAW_REALTIME, (long)&time, 0);
	return native_ns(time);
}

static void store(void *to, int64_t ns)
{
	const struct native_time time = { ns / NS_PER_S, ns % NS_PER_S };

	memcpy(to, &time, sizeof(time));
}

static char *pages(int protection, int flags, int fd)
{
	char *at = mmap(NULL, 2 * PAGE, protection, flags, fd, 0);

	must(at != MAP_FAILED, "mmap");
	return at;
}

static char *private_pages(void)
{
	return pages(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static char *file_pages(int fd)
{
	must(fd >= 0 && !ftruncate(fd, 2 * PAGE), "ftruncate");
	return pages(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
}

/* ---- Kinds: where the deadline lies, after it was stored; NULL: absent --- */

static pid_t child;

static void fork_child(void)
{
	child = fork();
	must(child >= 0, "fork");
	if (child)
		return;
	/* Before it the parent may have ended. */
	alarm(60);
	pause();
	_exit(0);
}

static void *plain(int64_t ns)
{
	char *at = private_pages();

	store(at, ns);
	return at;
}

static void *forked(int64_t ns)
{
	char *at = plain(ns);

	fork_child();
	return at;
}

static void *forked_across(int64_t ns)
{
	char *at = private_pages() + PAGE - 8;

	store(at, ns);
	fork_child();
	return at;
}

static void *child_ended(int64_t ns)
{
	char *at = plain(ns);
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return at;
}

static void *cleared(int64_t ns)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	char *at = plain(ns);
	bool done = write(fd, "4", 1) == 1;

	close(fd);
	return done ? at : NULL;
}

static void *advised(int64_t ns, int advice)
{
	char *at = plain(ns);

	return madvise(at, 2 * PAGE, advice) ? NULL : at;
}

static void *paged_out(int64_t ns)
{
	return advised(ns, MADV_PAGEOUT);
}

static void *freed(int64_t ns)
{
	return advised(ns, MADV_FREE);
}

static void *protected_before(int64_t ns)
{
	char *at = plain(ns);

	must(!mprotect(at, PAGE, PROT_READ) &&
		     !mprotect(at, PAGE, PROT_READ | PROT_WRITE),
	     "mprotect");
	return at;
}

static void *read_only(int64_t ns)
{
	char *at = plain(ns);

	must(!mprotect(at, PAGE, PROT_READ), "mprotect");
	return at;
}

static void *no_access(int64_t ns)
{
	(void)ns;
	return pages(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void *synced(int64_t ns)
{
	char *at = file_pages(open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600));

	store(at, ns);
	must(!msync(at, PAGE, MS_SYNC), "msync");
	return at;
}

/* What a mapping of the same file has stored. */
static void *untouched(int64_t ns)
{
	int fd = memfd_create("deadline", MFD_CLOEXEC);

	store(file_pages(fd), ns);
	return file_pages(fd);
}

static void *untouched_private(int64_t ns)
{
	int fd = memfd_create("deadline", MFD_CLOEXEC);

	store(file_pages(fd), ns);
	return pages(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
}

/* ---- Userfaultfd --------------------------------------------------------- */

static int faults;
static int64_t answer_ns;

static void *answer_faults(void *at)
{
	static char page[PAGE];
	struct uffdio_copy copy = {
		.dst = (unsigned long)at,
		.src = (unsigned long)page,
		.len = PAGE,
	};
	struct uffd_msg message;

	store(page, answer_ns);
	if (read(faults, &message, sizeof(message)) == sizeof(message)) {
		usleep(50000);
		ioctl(faults, UFFDIO_COPY, &copy);
	}
	return NULL;
}

static char *userfault_pages(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .len = 2 * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	char *at = private_pages();

	range.range.start = (unsigned long)at;
	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	return faults < 0 || ioctl(faults, UFFDIO_API, &api) ||
			       ioctl(faults, UFFDIO_REGISTER, &range)
		       ? NULL
		       : at;
}

static void *userfault(int64_t ns)
{
	char *at = userfault_pages();
	pthread_t thread;

	answer_ns = ns;
	must(!at || !pthread_create(&thread, NULL, answer_faults, at),
	     "pthread_create");
	return at;
}

/* Nobody answers. */
static void *userfault_dead(int64_t ns)
{
	(void)ns;
	return userfault_pages();
}

/* ---- The whole ----------------------------------------------------------- */

static const struct kind {
	const char *name;
	void *(*make)(int64_t ns);
	bool on_demand; /* only if it is named */
} kinds[] = {
	{ "plain", plain, false },
	{ "forked", forked, false },
	{ "forked-across", forked_across, false },
	{ "child-ended", child_ended, false },
	{ "cleared", cleared, false },
	{ "paged-out", paged_out, false },
	{ "freed", freed, false },
	{ "protected-before", protected_before, false },
	{ "synced", synced, false },
	{ "untouched", untouched, false },
	{ "untouched-private", untouched_private, false },
	{ "read-only", read_only, true },
	{ "no-access", no_access, true },
	{ "userfault", userfault, true },
	{ "userfault-dead", userfault_dead, true },
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static void judge(const char *name, long result, int64_t late, bool unchanged)
{
	if (result == -EINTR)
		printf("bad %s: did not fire\n", name);
	else if (result)
		printf("bad %s: returned %ld\n", name, result);
	else if (late < 0)
		printf("bad %s: %lld ns early\n", name, -(long long)late);
	else if (late > LATE_NS)
		printf("bad %s: %lld ns late\n", name, (long long)late);
	else if (!unchanged)
		printf("bad %s: memory changed\n", name);
	else
		printf("ok %s\n", name);
	fflush(stdout);
}

static void try(const struct kind *kind)
{
	int64_t deadline = now() + FUTURE_NS;
	char stored[sizeof(struct native_time)];
	void *at = kind->make(deadline);
	long result;

	if (!at) {
		printf("absent %s\n", kind->name);
		return;
	}
	store(stored, deadline);
	alarm(HANG_S);
	result = raw6(230, RAW_REALTIME, TIMER_ABSTIME, (long)at, 0, 0, 0);
	alarm(0);
	judge(kind->name, result, now() - deadline,
	      result == -EFAULT || !memcmp(at, stored, sizeof(stored)));
	if (child)
		kill(child, SIGKILL);
	child = 0;
}

static bool is_named(const struct kind *kind, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (!strcmp(kind->name, argv[i]))
			return true;
	return argc == 2 && !kind->on_demand;
}

static void nothing(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = nothing };

	if (argc < 2)
		return 2;
	file = argv[1];
	sigaction(SIGALRM, &action, NULL);
	for (size_t i = 0; i < KINDS; i++)
		if (is_named(&kinds[i], argc, argv))
			try(&kinds[i]);
	return 0;
}
