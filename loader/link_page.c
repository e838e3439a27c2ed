/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "link_page.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static bool read_at(int memory, uint64_t at, void *to, size_t size)
{
	return pread(memory, to, size, (off_t)at) == (ssize_t)size;
}

/* Is it the line of a clock page, with a link page behind? */
static bool is_clock_page(const char *line, int memory,
			  struct tnb_link_page *page)
{
	const struct tnb_vdso_link *link = &page->link;

	if (!strstr(line, "bpf-map") || sscanf(line, "%lx-", &page->at) != 1 ||
	    !read_at(memory, page->at + TNB_PAGE_SIZE, &page->link,
		     sizeof(page->link)))
		return false;
	return link->magic == TNB_VDSO_LINK_MAGIC && link->slot < TNB_SLOTS;
}

static void read_load(int memory, struct tnb_link_page *page)
{
	if (!read_at(memory, page->at + offsetof(struct tnb_clock_page, load),
		     &page->load, sizeof(page->load)))
		page->load = 0;
}

int tnb_link_page_find(int proc, int memory, struct tnb_link_page *page)
{
	int fd = openat(proc, "maps", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	_cleanup_free_
	char *line = NULL;
	size_t size = 0;
	int err = errno;

	if (!file && fd >= 0)
		close(fd);
	errno = 0;
	while (file && getline(&line, &size, file) > 0) {
		if (!is_clock_page(line, memory, page))
			continue;
		read_load(memory, page);
		return 1;
	}
	if (file)
		err = ferror(file) ? errno : 0;
	return err == ENOENT || err == ESRCH ? 0 : -err;
}

bool tnb_link_page_is_foreign(const struct tnb *tnb,
			      const struct tnb_link_page *page)
{
	__u32 slot = page->link.slot;

	return slot && page->load != tnb->pages[slot].load;
}
