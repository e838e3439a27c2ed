/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

static struct {
	bool foreground, under_journald;
	int most; /* the least important level that is logged */
} to;

/*
 * Whether standard error leads to journald, which reads a level in front of a
 * line. All processes of a service inherit the variable, also those that write
 * elsewhere, so DEVICE:INODE of the stream is compared (systemd.exec(5)).
 */
static bool stderr_is_the_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat there;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &there) == 0 && there.st_dev == device &&
	       there.st_ino == inode;
}

void journal_open(bool foreground, bool verbose)
{
	to.foreground = foreground;
	to.under_journald = stderr_is_the_journal();
	to.most = verbose ? LOG_DEBUG : LOG_INFO;
}

/* In front of a line on standard error. */
static void print_level(int level)
{
	static const char *const names[] = {
		[LOG_ERR] = "error",	 [LOG_WARNING] = "warning",
		[LOG_NOTICE] = "notice", [LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};

	if (to.under_journald)
		fprintf(stderr, "<%d>", level);
	else
		fprintf(stderr, "timensbpfd: %s: ", names[level]);
}

void journal(int level, const char *format, ...)
{
	va_list args;

	if (level > to.most)
		return;
	va_start(args, format);
	if (to.foreground) {
		flockfile(stderr);
		print_level(level);
		vfprintf(stderr, format, args);
		fputc('\n', stderr);
		funlockfile(stderr);
	} else {
		sd_journal_printv(level, format, args);
	}
	va_end(args);
}
