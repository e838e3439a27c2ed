/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ending.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <abi/latch.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

int tnb_ending_open(struct tnb_ending *ending)
{
	*ending = (struct tnb_ending){ .fd = eventfd(0, EFD_CLOEXEC) };
	return ending->fd < 0 ? tnb_fail(-errno, "cannot make an eventfd: %s",
					 strerror(errno))
			      : 0;
}

void tnb_ending_begin(struct tnb_ending *ending)
{
	tnb_store_release(ending->now, true);
	if (ending->fd >= 0)
		eventfd_write(ending->fd, 1);
}

void tnb_ending_close(struct tnb_ending *ending)
{
	tnb_cleanup_close(&ending->fd);
}
