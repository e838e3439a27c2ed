/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libbpf's own words: silent, unless TIMENSBPF_DEBUG is set. */
#ifndef TIMENSBPF_LOADER_LOG_H
#define TIMENSBPF_LOADER_LOG_H

void tnb_log_init(void);

#endif
