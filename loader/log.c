/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 2, 0))) static int
print(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	return getenv("TIMENSBPF_DEBUG") ? vfprintf(stderr, format, args) : 0;
}

void tnb_log_init(void)
{
	libbpf_set_print(print);
}
