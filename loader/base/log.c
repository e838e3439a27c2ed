/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
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

void tnb_log_debug(const char *format, ...)
{
	va_list args;

	if (!getenv("TIMENSBPF_DEBUG"))
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}
