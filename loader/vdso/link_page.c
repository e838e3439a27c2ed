/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "link_page.h"

#include "base/maps.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/* No file can have that name: names of files begin with a slash. */
const char *tnb_link_page_map = "anon_inode:bpf-map";

static bool is_map_page(const struct tnb_mapping *mapping)
{
	return tnb_maps_is_named(mapping, tnb_link_page_map) &&
	       mapping->end - mapping->begin == TNB_PAGE_SIZE;
}

/* Only anonymous memory is read (peek.h). */
static bool is_link_page(const struct tnb_mapping *clock,
			 const struct tnb_mapping *next,
			 const struct tnb_peek *peek,
			 struct tnb_link_page *page)
{
	if (next->begin != clock->end || next->inode ||
	    tnb_peek_read(peek, next->begin, &page->link, sizeof(page->link)) !=
		    sizeof(page->link))
		return false;
	page->at = clock->begin;
	return page->link.magic == TNB_VDSO_LINK_MAGIC;
}

/*
 * The clock page tells which one it is, because the process cannot change that;
 * the process can write anything to its link page. The pages of a map are
 * always there.
 */
static bool read_clock_page(int memory, struct tnb_link_page *page)
{
	struct tnb_clock_page clock;
	const size_t size = offsetof(struct tnb_clock_page, set);

	if (pread(memory, &clock, size, (off_t)page->at) != (ssize_t)size ||
	    clock.magic != TNB_PAGE_MAGIC || clock.slot >= TNB_SLOTS ||
	    (page->link.slot && page->link.slot != clock.slot))
		return false;
	page->load = clock.load;
	page->slot = clock.slot;
	page->generation = clock.generation;
	page->no_calls = clock.no_calls;
	return true;
}

static int find(struct tnb_maps *maps, const struct tnb_peek *peek,
		struct tnb_link_page *page)
{
	struct tnb_mapping clock = { 0 }, next;
	bool is_clock = false;
	int more;

	while ((more = tnb_maps_next(maps, &next)) > 0 || more == -EBADMSG) {
		if (more < 0) {
			is_clock = false;
			continue;
		}
		if (is_clock && is_link_page(&clock, &next, peek, page) &&
		    read_clock_page(peek->memory, page))
			return 1;
		is_clock = is_map_page(&next);
		clock = next;
	}
	return more;
}

int tnb_link_page_find(int proc, const struct tnb_peek *peek,
		       struct tnb_link_page *page)
{
	struct tnb_maps maps;
	int found = tnb_maps_open(proc, &maps);

	if (!found) {
		found = find(&maps, peek, page);
		tnb_maps_close(&maps);
	}
	return found == -ENOENT || found == -ESRCH ? 0 : found;
}
