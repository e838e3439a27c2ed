/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "clock_page.h"

#include "turns.h"

#include <errno.h>
#include "vdso/link_page.h"
#include "vdso/image_pick.h"
#include <string.h>
#include <sys/mman.h>
#include <abi/page.h>
#include <unistd.h>

int clock_page_make(uint32_t slot)
{
	struct tnb_clock_page page = { .magic = TNB_PAGE_MAGIC,
				       .abi = TNB_PAGE_ABI,
				       .slot = slot,
				       .generation = CLOCK_PAGE_PASS,
				       .pass = CLOCK_PAGE_PASS };
	int fd = memfd_create("clock_pages", MFD_CLOEXEC);

	for (int i = 0; i < TNB_CLOCKS; i++)
		page.set[0].clock[i] = page.set[1].clock[i] =
			(struct tnb_clock){ .offset_sec = CLOCK_PAGE_AHEAD,
					    .offset_nsec = 123456000 };
	if (fd < 0 ||
	    pwrite(fd, &page, sizeof(page), (off_t)slot * TNB_PAGE_SIZE) !=
		    (ssize_t)sizeof(page))
		die("clock page: %s", strerror(errno));
	return fd;
}

void clock_page_injector(uint32_t slot, struct tnb_injector *injector)
{
	static struct tnb_vdsos vdsos;

	tnb_link_page_map = "/memfd:clock_pages (deleted)";
	if (tnb_vdso_probe(&vdsos))
		die("%s", tnb_error_message());
	*injector = (struct tnb_injector){ .vdsos = &vdsos };
	if (tnb_pages_open_file(clock_page_make(slot), &injector->pages))
		die("%s", tnb_error_message());
}
