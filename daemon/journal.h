/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines with levels. In the foreground they go to standard error, with the
 * level's prefix for journald if standard error leads there; else to journald.
 */
#ifndef TIMENSBPF_DAEMON_JOURNAL_H
#define TIMENSBPF_DAEMON_JOURNAL_H

#include <stdbool.h>
#include <syslog.h>

/* Before journal(), which any thread may call. */
void journal_open(bool foreground, bool verbose);
__attribute__((format(printf, 2, 3))) void journal(int level,
						   const char *format, ...);

#endif
