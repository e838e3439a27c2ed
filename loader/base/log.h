/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debug messages of libbpf and of the library, on stderr: only if the
 * environment variable TIMENSBPF_DEBUG is set. */
#ifndef TIMENSBPF_LOADER_BASE_LOG_H
#define TIMENSBPF_LOADER_BASE_LOG_H

/* Route libbpf's messages. Called before the first call of libbpf. */
void tnb_log_init(void);
/* One message; the newline is added. */
__attribute__((format(printf, 1, 2))) void tnb_log_debug(const char *format,
							 ...);

#endif
