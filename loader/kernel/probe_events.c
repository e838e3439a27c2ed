/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe_events.h"

#include "base/cleanup.h"
#include "tracefs.h"
#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <time.h>

#define GROUP "timensbpf"
/* For all tasks that may stand preempted in the call at the same time. */
#define INSTANCES 256
#define BUSY_TRIES 100
#define BUSY_PAUSE_NS 10000000L

static int write_definition(int tracefs, const char *line)
{
	_cleanup_close_
	int fd = openat(tracefs, "kprobe_events",
			O_WRONLY | O_APPEND | O_CLOEXEC);
	size_t length = strlen(line);

	if (fd < 0)
		return -errno;
	return write(fd, line, length) == (ssize_t)length ? 0 : -errno;
}

static int open_event(int tracefs, const char *name)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
	};
	char path[128], line[32];
	int fd;

	snprintf(path, sizeof(path), "events/" GROUP "/%s/id", name);
	if (tnb_debugfs_read(tracefs, path, line, sizeof(line)))
		return -ENOENT;
	attr.config = strtoull(line, NULL, 10);
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1,
			  PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int tnb_probe_open(enum tnb_probe kind, const char *name, const char *function)
{
	_cleanup_close_
	int tracefs = tnb_tracefs_open();
	char line[256];
	int err, fd;

	if (kind == TNB_KRETPROBE)
		snprintf(line, sizeof(line), "r%d:" GROUP "/%s %s\n", INSTANCES,
			 name, function);
	else
		snprintf(line, sizeof(line), "p:" GROUP "/%s %s\n", name,
			 function);
	err = tracefs < 0 ? -ENODEV : write_definition(tracefs, line);
	if (err && err != -EEXIST)
		return tnb_fail(err,
				"cannot define a probe on %s in tracefs: %s",
				function, strerror(-err));
	fd = open_event(tracefs, name);
	if (fd < 0)
		return tnb_fail(fd, "cannot open the probe on %s: %s", function,
				strerror(-fd));
	return fd;
}

/* The kernel releases a probe a moment after its last link is gone, because it
 * frees perf events with a delay. So definitions that are busy are tried
 * again. */
static bool sweep_once(int tracefs)
{
	_cleanup_fclose_ FILE *events =
		tnb_file_open_at(tracefs, "kprobe_events");
	char line[256], name[128], remove[160];
	bool busy = false;

	if (!events)
		return true;
	while (fgets(line, sizeof(line), events)) {
		if (sscanf(line, "%*[^:]:" GROUP "/%127s", name) != 1)
			continue;
		snprintf(remove, sizeof(remove), "-:" GROUP "/%s\n", name);
		busy |= write_definition(tracefs, remove) == -EBUSY;
	}
	return !busy;
}

void tnb_probes_sweep(void)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
	_cleanup_close_
	int tracefs = tnb_tracefs_open();

	for (int i = 0; tracefs >= 0 && i < BUSY_TRIES; i++) {
		if (sweep_once(tracefs))
			return;
		nanosleep(&pause, NULL);
	}
}

uint64_t tnb_probe_missed(const char *name)
{
	_cleanup_close_
	int tracefs = tnb_tracefs_open();
	_cleanup_fclose_ FILE *profile =
		tnb_file_open_at(tracefs, "kprobe_profile");
	unsigned long long hits, missed, found = 0;
	char line[256], word[128];

	if (!profile)
		return 0;
	while (fgets(line, sizeof(line), profile))
		if (sscanf(line, "%127s %llu %llu", word, &hits, &missed) ==
			    3 &&
		    !strcmp(word, name))
			found = missed;
	return found;
}
