/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mapped.h"

#include "loader/vdso/elf_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *mapped_function(const struct mapped *mapped, const char *name)
{
	struct tnb_elf_image elf;
	uint32_t offset, size;

	if (tnb_elf_image_open(&elf, mapped->image, TNB_PAGE_SIZE) ||
	    tnb_elf_image_function(&elf, name, &offset, &size))
		return NULL;
	return (void *)(mapped->image + offset);
}

void map_image(struct mapped *mapped, const void *image)
{
	const size_t size = TNB_VDSO_PAGES * TNB_PAGE_SIZE;
	uint8_t *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED) {
		perror("mmap");
		abort();
	}
	mapped->page = (void *)pages;
	mapped->link = (void *)(pages + TNB_PAGE_SIZE);
	mapped->link->magic = TNB_VDSO_LINK_MAGIC;
	mapped->image = pages + 2 * TNB_PAGE_SIZE;
	memcpy(pages + 2 * TNB_PAGE_SIZE, image, TNB_PAGE_SIZE);
	if (mprotect(pages + 2 * TNB_PAGE_SIZE, TNB_PAGE_SIZE,
		     PROT_READ | PROT_EXEC)) {
		perror("mprotect");
		abort();
	}
	mapped->clock_gettime = mapped_function(mapped, "__vdso_clock_gettime");
	mapped->gettimeofday = mapped_function(mapped, "__vdso_gettimeofday");
	mapped->time = mapped_function(mapped, "__vdso_time");
	mapped->clock_getres = mapped_function(mapped, "__vdso_clock_getres");
	mapped->getcpu = mapped_function(mapped, "__vdso_getcpu");
	mapped->getrandom = mapped_function(mapped, "__vdso_getrandom");
}

void unmap_image(struct mapped *mapped)
{
	munmap(mapped->page, TNB_VDSO_PAGES * TNB_PAGE_SIZE);
}

void publish_offset(struct tnb_clock_page *page, int64_t sec, uint32_t nsec)
{
	for (int i = 0; i < TNB_CLOCKS; i++)
		page->set[0].clock[i] = page->set[1].clock[i] =
			(struct tnb_clock){ .offset_sec = sec,
					    .offset_nsec = nsec };
}
