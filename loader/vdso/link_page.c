/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "link_page.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static bool read_at(int memory, uint64_t at, void *to, size_t size)
{
	return pread(memory, to, size, (off_t)at) == (ssize_t)size;
}

/* A line of maps, see proc_pid_maps(5). */
struct mapping {
	uint64_t begin, end, offset;
	unsigned long inode;
	int name; /* where it begins in the line */
};

static bool parse(const char *line, struct mapping *mapping)
{
	mapping->name = 0;
	return sscanf(line, "%lx-%lx %*4s %lx %*x:%*x %lu %n", &mapping->begin,
		      &mapping->end, &mapping->offset, &mapping->inode,
		      &mapping->name) == 4 &&
	       mapping->name;
}

/* No file can have that name: theirs begin with a slash. */
const char *tnb_link_page_map = "anon_inode:bpf-map\n";

static bool is_map_page(const char *line, const struct mapping *mapping)
{
	return !strcmp(line + mapping->name, tnb_link_page_map) &&
	       mapping->end - mapping->begin == TNB_PAGE_SIZE &&
	       mapping->offset / TNB_PAGE_SIZE < TNB_SLOTS;
}

/*
 * Memory alone is read, no file, of which who serves it decides when it can be:
 * we would wait for him. Which rule's page it is says the mapping, which the
 * process cannot change; what it writes into its link page is its own affair.
 */
static bool is_link_page(const struct mapping *clock,
			 const struct mapping *next, int memory,
			 struct tnb_link_page *page)
{
	if (next->begin != clock->end || next->inode ||
	    !read_at(memory, next->begin, &page->link, sizeof(page->link)))
		return false;
	page->at = clock->begin;
	return page->link.magic == TNB_VDSO_LINK_MAGIC &&
	       (!page->link.slot ||
		page->link.slot == clock->offset / TNB_PAGE_SIZE);
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
	struct mapping clock = { 0 }, next;
	bool is_clock = false;
	size_t size = 0;
	int err = errno;

	if (!file && fd >= 0)
		close(fd);
	errno = 0;
	while (file && getline(&line, &size, file) > 0) {
		if (!parse(line, &next))
			continue;
		if (is_clock && is_link_page(&clock, &next, memory, page)) {
			read_load(memory, page);
			return 1;
		}
		is_clock = is_map_page(line, &next);
		clock = next;
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
