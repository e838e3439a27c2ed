/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run takes the lock of runs before it looks whether a loader lives. The
 * loader of a run ends only while it has that lock alone, and keeps it until
 * its end (daemon/attached.c). So a loader that a run has found cannot end
 * because another run has. A run that comes while the loader ends waits for the
 * lock, finds none, and starts its own.
 *
 * That leaves a daemon that is stopped, and a loader that is killed. Then
 * each run that sees it starts one. The lock of loaders lets one of them serve,
 * the others end, and their runs find that one alive.
 */
#define _GNU_SOURCE
#include "keep_loader.h"

#include "command.h"

#include <abi/run_dir.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

/* Between two looks, which take a quarter of a second where a loader gives no
 * sign of life. */
#define LOOK_MS 100
/* Between two looks for a lock or a sign of life that is about to come. */
#define SOON_MS 10
/* How long that may take. */
#define WAIT_MS 5000
/* Another process may be about to start one: a daemon, or a run outside ours.
 * Absence is told after that. */
#define TELL_MS 3000
/* Looks that take longer do not count as longer: three and a half seconds. */
#define HANGS_MS 1000
/* Between two starts, before and after absence was told. */
#define RETRY_MS 1000
#define RETRY_TOLD_MS 10000

#define HANGS "another loader runs, and gives no sign of life"

/* ---- The lock of runs ---------------------------------------------------- */

/* Above standard error, where the command's output could go into it. */
static int open_lock(void)
{
	int fd = tnb_run_dir_open_lock(TNB_CONTROL_DIR, TNB_RUNS_LOCK), up;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	up = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return up;
}

/* Without the lock the run goes on: its looks find when its loader ends. The
 * time is limited because a loader that is about to end may be stopped. */
static int take_lock(void)
{
	int fd = open_lock();

	for (int i = 0; fd >= 0 && i < WAIT_MS / SOON_MS; i++) {
		if (!flock(fd, LOCK_SH | LOCK_NB))
			return fd;
		if (errno != EWOULDBLOCK)
			break;
		poll(NULL, 0, SOON_MS);
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- Begin --------------------------------------------------------------- */

static void say_slow(struct keep_loader *keep, const char *reason)
{
	command_say("note: clocks are read by system calls: %s", reason);
	keep->told = true;
}

static bool comes_alive(void)
{
	for (int i = 0; i < RETRY_MS / SOON_MS; i++) {
		if (tnb_loader_is_alive())
			return true;
		poll(NULL, 0, SOON_MS);
	}
	return false;
}

/* A loader that does not start because another one runs gives no reason. That
 * one is about to serve, or to end. */
void keep_loader_begin(struct keep_loader *keep, bool quiet)
{
	*keep = (struct keep_loader){ .lock = take_lock(), .quiet = quiet };
	for (int i = 0; i < WAIT_MS / RETRY_MS; i++) {
		keep->own = own_loader_start();
		if (*keep->own.reason)
			say_slow(keep, keep->own.reason);
		if (keep->told || comes_alive() || keep->own.pid)
			return;
	}
	say_slow(keep, HANGS);
}

/* ---- Life ---------------------------------------------------------------- */

static void is_served(struct keep_loader *keep)
{
	if (keep->is_new && keep->own.serves) {
		if (!keep->quiet)
			command_say(
				"note: the loader ended, another was started: programs that started in between read their clocks by system calls");
		keep->is_new = false;
	}
	keep->is_absent = false;
	keep->told = false;
}

static void start_another(struct keep_loader *keep)
{
	if (keep->now_ms < keep->retry_ms)
		return;
	own_loader_begin(&keep->own);
	keep->is_new = true;
	keep->begin_ms = keep->now_ms;
	keep->retry_ms = keep->now_ms + (keep->told ? RETRY_TOLD_MS : RETRY_MS);
}

static void tell_absence(struct keep_loader *keep)
{
	if (!keep->quiet && !keep->told)
		command_say(
			"note: no loader serves any more, programs that start now read their clocks by system calls: %s",
			*keep->own.reason ? keep->own.reason : HANGS);
	keep->told = true;
}

/* Our own one is there. It may be about to serve, or to give its first sign of
 * life, or it hangs. */
static void end_if_it_hangs(struct keep_loader *keep)
{
	int64_t since_ms = keep->own.serves ? keep->absent_ms : keep->begin_ms;

	if (keep->now_ms - since_ms <
	    (keep->own.serves ? HANGS_MS : OWN_LOADER_START_MS))
		return;
	own_loader_kill(&keep->own);
	keep->absent_ms = keep->now_ms;
}

static void is_absent(struct keep_loader *keep)
{
	if (!keep->is_absent)
		keep->absent_ms = keep->now_ms;
	keep->is_absent = true;
	if (keep->own.pid) {
		end_if_it_hangs(keep);
		return;
	}
	if (keep->now_ms - keep->absent_ms >= TELL_MS)
		tell_absence(keep);
	start_another(keep);
}

void keep_loader_until(struct keep_loader *keep, int fd)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = keep->own.life, .events = POLLIN },
		};

		if (!poll(fds, 2, LOOK_MS))
			keep->now_ms += LOOK_MS;
		if (fds[0].revents)
			return;
		(void)own_loader_look(&keep->own);
		if (tnb_loader_is_alive())
			is_served(keep);
		else
			is_absent(keep);
	}
}

/* The lock first: the loader looks at it as soon as it is told. */
void keep_loader_end(struct keep_loader *keep)
{
	if (keep->lock >= 0)
		close(keep->lock);
	keep->lock = -1;
	own_loader_stop(&keep->own);
}
