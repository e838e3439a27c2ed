/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "link_page.h"

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
static bool is_link_page(const struct tnb_link_page_search *search,
			 const struct tnb_mapping *next,
			 const struct tnb_peek *peek,
			 struct tnb_link_page *page)
{
	if (!search->clock_end || next->begin != search->clock_end ||
	    next->inode ||
	    tnb_peek_read(peek, next->begin, &page->link, sizeof(page->link)) !=
		    sizeof(page->link))
		return false;
	page->at = search->clock;
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

void tnb_link_page_take(struct tnb_link_page_search *search,
			const struct tnb_peek *peek,
			const struct tnb_mapping *mapping)
{
	struct tnb_link_page page;
	bool is_clock = mapping && is_map_page(mapping);

	if (search->is_found)
		return;
	if (mapping && is_link_page(search, mapping, peek, &page) &&
	    read_clock_page(peek->memory, &page)) {
		search->is_found = true;
		search->page = page;
	}
	search->clock = is_clock ? mapping->begin : 0;
	search->clock_end = is_clock ? mapping->end : 0;
}

int tnb_link_page_find(int proc, const struct tnb_peek *peek,
		       struct tnb_link_page *page)
{
	struct tnb_link_page_search search = { 0 };
	struct tnb_mapping next;
	struct tnb_maps maps;
	int more = tnb_maps_open(proc, &maps);

	if (more)
		return more == -ENOENT || more == -ESRCH ? 0 : more;
	while (!search.is_found &&
	       ((more = tnb_maps_next(&maps, &next)) > 0 || more == -EBADMSG))
		tnb_link_page_take(&search, peek, more > 0 ? &next : NULL);
	tnb_maps_close(&maps);
	if (!search.is_found)
		return more == -ENOENT || more == -ESRCH ? 0 : more;
	*page = search.page;
	return 1;
}
