/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libbpf's own words and ours: silent, unless TIMENSBPF_DEBUG is set. */
#ifndef TIMENSBPF_LOADER_BASE_LOG_H
#define TIMENSBPF_LOADER_BASE_LOG_H

void tnb_log_init(void);
__attribute__((format(printf, 1, 2))) void tnb_log_debug(const char *format,
							 ...);

#endif
