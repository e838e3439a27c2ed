/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "view.h"

#include "inject/write_pages.h"
#include "rules/clock_page.h"
#include "rules/pages.h"
#include "vdso/jumps.h"

#include <errno.h>
#include <string.h>

/* ---- What a process maps ------------------------------------------------- */

/* Once, whatever is looked for: of a process with very many mappings one
 * reading takes longer than all else. */
static int read_maps(int proc, const struct tnb_peek *peek,
		     struct tnb_view *live)
{
	struct tnb_link_page_search search = { 0 };
	struct tnb_mapping mapping;
	struct tnb_maps all;
	int more, err = tnb_maps_open(proc, &all);

	if (err)
		return err;
	while (!err && ((more = tnb_maps_next(&all, &mapping)) > 0 ||
			more == -EBADMSG)) {
		tnb_link_page_take(&search, peek, more > 0 ? &mapping : NULL);
		if (more > 0)
			err = tnb_vdso_maps_add(&live->maps, &mapping);
	}
	tnb_maps_close(&all);
	live->has_pages = search.is_found;
	live->page = search.page;
	return err ? err : more;
}

int tnb_view_take(pid_t pid, int proc, struct tnb_view *live)
{
	struct tnb_peek peek;
	int err;

	*live = (struct tnb_view){ .pid = pid };
	if (tnb_peek_open(proc, &peek))
		return -ESRCH;
	err = read_maps(proc, &peek, live);
	tnb_peek_close(&peek);
	live->narrow = live->maps.vdso < 1ULL << 32;
	if (!err && !live->maps.vdso)
		err = -ENOENT;
	return err;
}

__u64 tnb_view_pass_of(const struct tnb_placement *placement)
{
	return placement->slot && !placement->is_split ? placement->pass
						       : TNB_NO_PASS;
}

bool tnb_view_is_linked(const struct tnb_view *live)
{
	return live->has_pages && live->page.link.slot;
}

bool tnb_view_has_page_of(const struct tnb_view *live,
			  const struct tnb_placement *placement)
{
	return live->has_pages && live->page.slot == placement->slot &&
	       live->page.load == placement->load &&
	       live->page.generation == placement->pass;
}

bool tnb_view_is_in_place(const struct tnb_view *live,
			  const struct tnb_placement *placement)
{
	if (!live->has_pages)
		return !placement->slot;
	if (live->page.link.slot != placement->slot)
		return false;
	return !placement->slot ||
	       (tnb_view_has_page_of(live, placement) &&
		live->page.link.pass == tnb_view_pass_of(placement));
}

bool tnb_view_is_foreign(const struct tnb *tnb,
			 const struct tnb_link_page *page)
{
	__u32 slot = page->link.slot;

	return slot && page->load != tnb_pages_at(tnb->pages, slot)->load;
}

bool tnb_view_reads_page(const struct tnb_link_page *page)
{
	return page->link.no_calls || page->no_calls;
}

bool tnb_view_is_current(const struct tnb *tnb,
			 const struct tnb_link_page *page)
{
	return !tnb_view_is_foreign(tnb, page) &&
	       page->generation ==
		       tnb_clock_page_generation(tnb, page->link.slot);
}

/* ---- Is it still the same? ----------------------------------------------- */

static bool has_same_link(const struct tnb_view *view,
			  const struct tnb_tracee *tracee)
{
	struct tnb_vdso_link link;

	return !tnb_tracee_read(tracee, view->page.at + TNB_PAGE_SIZE, &link,
				sizeof(link)) &&
	       link.magic == TNB_VDSO_LINK_MAGIC &&
	       link.slot == view->page.link.slot &&
	       link.vdso == view->maps.vdso;
}

static bool has_originals(const struct tnb_view *view,
			  const struct tnb_vdso *vdso,
			  const struct tnb_tracee *tracee)
{
	struct tnb_vdso_jump original[TNB_VDSO_JUMPS];
	uint8_t code[sizeof(original->code)];
	size_t count = tnb_vdso_originals(vdso, original);

	for (size_t i = 0; i < count; i++)
		if (tnb_tracee_read(tracee,
				    view->maps.vdso + original[i].offset, code,
				    original[i].length) ||
		    memcmp(code, original[i].code, original[i].length))
			return false;
	return true;
}

/*
 * The process may have executed a program since, which the loader gave pages
 * before its first instruction: a second image would be unknown to its
 * unwinders. Jumps that are not ours belong to another tool, and stay as they
 * are.
 */
int tnb_view_check(const struct tnb_view *view, const struct tnb_vdso *vdso,
		   const struct tnb_tracee *tracee, int proc)
{
	struct tnb_link_page page;
	struct tnb_peek peek;
	int found;

	if (view->has_pages)
		return has_same_link(view, tracee) ? 0 : -EAGAIN;
	if (has_originals(view, vdso, tracee))
		return 0;
	if (tnb_peek_open(proc, &peek))
		return -EAGAIN;
	found = tnb_link_page_find(proc, &peek, &page);
	tnb_peek_close(&peek);
	return found ? -EAGAIN : -ENOSPC;
}
