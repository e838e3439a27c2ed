/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines with levels: to standard error in the foreground (with the prefix
 * that journald reads as a level, where it reads), else to journald. */
#ifndef TIMENSBPF_DAEMON_JOURNAL_H
#define TIMENSBPF_DAEMON_JOURNAL_H

#include <stdbool.h>
#include <syslog.h>

/* journal() can be called by any thread. */
void journal_open(bool foreground, bool verbose);
__attribute__((format(printf, 2, 3))) void journal(int level,
						   const char *format, ...);

#endif
