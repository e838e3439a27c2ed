/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that began outside reads the host's time by the kernel's vDSO, to
 * which the C library, or the program itself, keeps pointers. So the first
 * instructions of its functions become a jump to the image, once no thread
 * stands in the bytes that change (inject/quiesce.h). One that has pages
 * already gets another clock page in the place of the one it had; one that goes
 * back to the host's time keeps them, with jumps the other way.
 */
#define _GNU_SOURCE
#include "change.h"

#include "base/cleanup.h"
#include "no_calls.h"
#include "rules/channel.h"
#include "vdso/jumps.h"
#include "inject/budget.h"
#include "inject/carrier.h"
#include "inject/write_pages.h"
#include "inject/sharing.h"
#include "inject/quiesce.h"
#include "inject/map_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* ---- Is it still what was looked at? ------------------------------------- */

struct change {
	const struct tnb_injector *injector;
	const struct tnb_view *live;
	const struct tnb_placement *placement;
	int proc;
	struct tnb_threads threads;
	struct tnb_call_work work;  /* of those, once it was looked at */
	struct tnb_tracee *carrier; /* its memory is open; maps the pages */
	struct tnb_writing fill;    /* .vdso: that of its kind of programs */
	struct tnb_registers regs;  /* of the carrier, as it was */
	int map;		    /* of its page; -1: it needs none */
	struct tnb_mapping_place place; /* where that is to be */
	bool is_sent;			/* it runs, or ran, the stub there */
	int socket;
	struct tnb_peek peek; /* at the memory that the threads had at first */
};

/* It needs no other: nothing has to be mapped. Which slot its mapping shows is
 * known only as long as its link tells. */
static bool has_clock_page(const struct change *change)
{
	const struct tnb_view *live = change->live;

	return live->has_pages &&
	       (!change->placement->slot ||
		(live->page.link.slot &&
		 tnb_view_has_page_of(live, change->placement)));
}

/* A program may run code of the other kind for a while, or for good. */
static bool is_of_kind(const struct tnb_tracee *tracee, bool narrow)
{
	struct tnb_registers regs;

	return tracee->gone || (!tnb_tracee_get_regs(tracee, &regs) &&
				(narrow ? tnb_registers_are_narrow(&regs)
					: tnb_registers_are_wide(&regs)));
}

static int check(struct change *change)
{
	const struct tnb_vdso *vdso = change->fill.vdso;
	const struct tnb_vdso_maps *maps = &change->live->maps;
	int err;

	for (size_t i = 0; i < change->threads.count; i++)
		if (!is_of_kind(&change->threads.thread[i], vdso->narrow))
			return -ENOEXEC;
	if (maps->vdso_end - maps->vdso != vdso->size || !maps->vvar ||
	    maps->vdso - maps->vvar != vdso->vvar_below)
		return -ENOSPC;
	err = tnb_write_check(change->carrier, vdso, maps->vdso);
	if (err == -ENOEXEC)
		return -ENOSPC;
	/* Nothing is there any more: it has executed a program. */
	if (err == -EIO || err == -EFAULT)
		return -EAGAIN;
	return err ? err
		   : tnb_view_check(change->live, vdso, change->carrier,
				    change->proc);
}

/*
 * Whether nothing runs that uses its memory. Only once all threads are where
 * they stay: threads that ran on for a moment may have made others.
 */
static int check_alone(struct change *change)
{
	const struct tnb_sharing *memory = change->injector->memory;
	int err = tnb_threads_check(&change->threads, change->proc);

	if (err || !memory)
		return err;
	err = tnb_sharing_is_in_use(memory, &change->threads, &change->work);
	/* A system call of ours would end it. */
	if (!err && change->work.dispatches && !has_clock_page(change))
		return -EPERM;
	/* What failed for want of memory or files may succeed again. */
	return !err || err == -ESRCH ? err : -EAGAIN;
}

/* ---- Changing it --------------------------------------------------------- */

/*
 * From here on a process that had pages has no pass until it has its new one,
 * and makes system calls if it is left there. So this part has a time of its
 * own, whatever is left of that for looking at the process. It waits for
 * nothing but its CPU and ours.
 */
#define PAGES_BUDGET_MS 1000

/* One that keeps its old page keeps its link, too, which tells so. But it is no
 * reason for the rule that it left to be without a pass. */
static int check_mapping(const struct change *change)
{
	const struct tnb_mapping_place *place = &change->place;
	int err = tnb_map_pages_check(change->carrier, place);

	if (err && place->at && !change->injector->keeps_pass &&
	    tnb_write_pass(change->carrier, place->at, TNB_NO_PASS))
		return -EAGAIN;
	return err;
}

/* Whether it can be given the page, before anything is done for that. */
static int prepare_pages(struct change *change)
{
	const struct tnb_vdso *vdso = change->fill.vdso;
	struct tnb_mapping_place *place = &change->place;

	change->fill.pages = change->live->page.at;
	if (has_clock_page(change))
		return 0;
	place->at = change->live->has_pages ? change->live->page.at : 0;
	place->room = change->live->maps.vdso + vdso->room;
	place->room_size = vdso->room_size;
	change->map = tnb_start_open_page(change->injector,
					  change->placement->slot,
					  change->placement->pass, place);
	if (change->map < 0)
		return change->map == -ESTALE ? -EAGAIN : change->map;
	return check_mapping(change);
}

/* Only now: threads that ran until a moment ago may have set filters. To look
 * at each of very many threads takes as long as the change itself. */
static int look_at_filters(struct change *change)
{
	change->fill.no_calls =
		change->work.filters &&
		tnb_no_calls_any(&change->threads, change->fill.vdso->narrow);
	return change->fill.no_calls && change->placement->slot
		       ? tnb_no_calls_begin(change->injector,
					    change->placement->slot)
		       : 0;
}

static int map_pages(struct change *change)
{
	const struct tnb_mapping_place *place = &change->place;
	int err;

	if (change->map < 0)
		return 0;
	if (tnb_budget_is_spent())
		return -EAGAIN;
	err = tnb_budget_begin(PAGES_BUDGET_MS);
	/* If we die, the old link must not pass for that of the new page. */
	if (!err && place->at)
		err = tnb_write_pages(change->carrier, &change->fill);
	if (!err)
		err = tnb_tracee_get_regs(change->carrier, &change->regs);
	if (err)
		return err;
	change->is_sent = true;
	return tnb_map_pages(change->carrier, place, &change->fill.pages,
			     &change->socket);
}

/* As tnb_start_write_pass(); without the pass the process is looked at anew. */
static int write_pass(const struct change *change)
{
	const struct tnb_placement *placement = change->placement;
	int given;

	if (tnb_view_pass_of(placement) == TNB_NO_PASS)
		return 0;
	given = tnb_start_write_pass(
		change->carrier, change->fill.pages,
		tnb_pages_at(change->injector->pages, placement->slot),
		placement->pass, placement->revocations);
	return given > 0 ? -EAGAIN : given;
}

static void forget_arrival(const struct change *change)
{
	if (change->injector->state)
		tnb_channel_forget_arrival(change->injector->state,
					   change->live->pid);
}

static int write_all(const struct change *change)
{
	int err = tnb_write_pages(change->carrier, &change->fill);

	if (!err && !change->placement->slot)
		return tnb_write_jumps_back(change->carrier, &change->fill);
	if (!err)
		err = tnb_write_jumps(change->carrier, &change->fill);
	if (!err)
		err = tnb_write_slot(change->carrier, &change->fill);
	if (err)
		return err;
	/* From here on all doors go by system call. */
	forget_arrival(change);
	return write_pass(change);
}

/* It executed a program since it was looked at, and stands before its first
 * instruction. */
static int prepare_fresh(struct change *change)
{
	const struct tnb_loader_event exec = {
		.kind = TNB_EVENT_EXEC,
		.slot = change->placement->slot,
		.pass = change->placement->is_split ? 0
						    : change->placement->pass,
		.revocations = change->placement->revocations,
	};
	enum tnb_slow why;
	int err;

	if (!change->placement->slot)
		return 0;
	/* An exec inside a rule ends the arrival by itself; this one may have
	 * been outside. */
	forget_arrival(change);
	err = tnb_start_prepare(change->injector, change->carrier, &exec,
				&change->socket, &why);
	return err > 0 ? -EAGAIN : err;
}

/*
 * The image that is there may be another version's, or layout's, and is
 * replaced: its entries are where ours are (image.lds), but
 * no thread may stand behind them. It is one page: if we die while it is
 * written, all of it is written or nothing.
 */
static int stand_outside(struct change *change, bool *ran)
{
	const struct tnb_vdso *vdso = change->fill.vdso;
	unsigned char image[TNB_PAGE_SIZE];
	struct tnb_readers readers = {
		.vdso = vdso,
		.at = change->live->maps.vdso,
		.code = image,
		.page_changes = !has_clock_page(change),
	};

	if (change->live->has_pages) {
		readers.image = change->live->page.at + 2 * TNB_PAGE_SIZE;
		/* The process may have put anything in its place. */
		if (tnb_peek_read(&change->peek, readers.image, image,
				  sizeof(image)) != sizeof(image))
			return -EAGAIN;
		readers.image_changes = !tnb_vdso_image_is_same(vdso, image);
	}
	return tnb_quiesce(&change->threads, &readers, &change->peek, ran);
}

static int open_carrier(const struct change *change)
{
	int err = tnb_tracee_open(change->carrier);

	return err ? err : change->carrier->strict ? -EPERM : 0;
}

/*
 * Threads that ran may have executed another program, with rights of its own,
 * while another process keeps the memory that we have open. Until here nothing
 * was written and no register was set; from here on only the carrier runs, and
 * is seen to do so (tnb_tracee_open()).
 */
static int look_again(struct change *change)
{
	int err = change->carrier->gone ? -EAGAIN : open_carrier(change);

	if (!err && tnb_start_is_fresh(change->carrier))
		err = -EAGAIN;
	return err ? err : check(change);
}

static int change_stopped(struct change *change)
{
	bool ran = false;
	int err;

	if (tnb_start_is_fresh(change->carrier))
		return prepare_fresh(change);
	err = check(change);
	if (!err)
		err = stand_outside(change, &ran);
	if (!err && ran)
		err = look_again(change);
	if (!err)
		err = check_alone(change);
	if (!err)
		err = prepare_pages(change);
	if (!err)
		err = look_at_filters(change);
	if (!err)
		err = map_pages(change);
	if (!err)
		err = write_all(change);
	return err;
}

/* It goes on by itself if this fails, with its calls made again. */
static int bring_back(struct change *change)
{
	int left;

	if (!change->is_sent || change->carrier->gone)
		return 0;
	left = tnb_map_pages_leave(change->carrier, &change->place,
				   &change->socket);
	if (left)
		return left > 0 ? 0 : left;
	return tnb_map_pages_return(change->carrier, &change->regs);
}

static int find_carrier(struct change *change)
{
	char path[32];
	_cleanup_close_
	int proc = -1;

	snprintf(path, sizeof(path), "/proc/%d", change->threads.thread[0].tid);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || tnb_peek_open(proc, &change->peek))
		return -EAGAIN;
	change->carrier = tnb_carrier_find(&change->threads, &change->peek,
					   !has_clock_page(change));
	return change->carrier ? open_carrier(change) : -EAGAIN;
}

int tnb_change_running(const struct tnb_injector *injector,
		       const struct tnb_view *live,
		       const struct tnb_placement *placement, int proc,
		       unsigned int ms)
{
	struct change change = {
		.injector = injector,
		.live = live,
		.placement = placement,
		.proc = proc,
		.fill = { .vdso = tnb_vdso_of(injector->vdsos, live->narrow),
			  .at = live->maps.vdso,
			  .slot = placement->slot },
		.work = { .filters = true },
		.map = -1,
		.socket = -1,
		.peek = { -1, -1 },
	};
	int err = change.fill.vdso ? tnb_budget_begin(ms) : -ENOEXEC;

	if (!err)
		err = tnb_threads_stop(live->pid, proc, &change.threads);
	if (!err)
		err = find_carrier(&change);
	if (!err) {
		err = change_stopped(&change);
		/* Another try finds the other program. */
		if (err == -ESRCH && change.carrier->executed)
			err = -EAGAIN;
		if (bring_back(&change))
			err = -ETIMEDOUT;
	}
	if (tnb_threads_release(&change.threads))
		err = -ETIMEDOUT;
	tnb_map_pages_close(&change.socket);
	if (change.map >= 0)
		close(change.map);
	tnb_peek_close(&change.peek);
	tnb_budget_end();
	return err;
}
