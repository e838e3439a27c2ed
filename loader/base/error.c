/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <timensbpf/timensbpf.h>

static _Thread_local char message[512];

const char *tnb_error_message(void)
{
	return message;
}

int tnb_fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return err;
}

int tnb_fail_memory(void)
{
	return tnb_fail(-ENOMEM, "out of memory");
}
