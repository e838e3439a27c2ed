/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-journal.h>

static struct {
	bool foreground, under_journald;
	int most; /* the least important level that is logged */
} to;

void journal_open(bool foreground, bool verbose)
{
	to.foreground = foreground;
	to.under_journald = getenv("JOURNAL_STREAM") != NULL;
	to.most = verbose ? LOG_DEBUG : LOG_INFO;
}

void journal(int level, const char *format, ...)
{
	va_list args;

	if (level > to.most)
		return;
	va_start(args, format);
	if (to.foreground) {
		flockfile(stderr);
		if (to.under_journald)
			fprintf(stderr, "<%d>", level);
		else
			fputs("timensbpfd: ", stderr);
		vfprintf(stderr, format, args);
		fputc('\n', stderr);
		funlockfile(stderr);
	} else {
		sd_journal_printv(level, format, args);
	}
	va_end(args);
}
