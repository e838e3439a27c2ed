/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that began outside reads the host's time by the kernel's vDSO, to
 * which the C library, or the program itself, keeps pointers. So the first
 * instructions of its functions become a jump to the image, once no thread
 * stands in the bytes that change (outside.h). One that has pages already gets
 * another clock page in the place of the one it had; one that goes back to the
 * host's time keeps them, with jumps the other way.
 */
#define _GNU_SOURCE
#include "change.h"

#include "base/cleanup.h"
#include "rules/channel.h"
#include "inject/write_pages.h"
#include "inject/sharing.h"
#include "inject/quiesce.h"
#include "inject/map_pages.h"
#include "inject/restart.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <linux/kcmp.h>
#include <linux/ptrace.h>
#include <linux/rseq.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <abi/latch.h>

/* ---- What it maps -------------------------------------------------------- */

int tnb_view_take(pid_t pid, pid_t tid, int proc, struct tnb_view *live)
{
	_cleanup_close_
	int memory = openat(proc, "mem", O_RDONLY | O_CLOEXEC);
	int err;

	*live = (struct tnb_view){ .pid = pid };
	if (memory < 0)
		return -ESRCH;
	err = tnb_vdso_maps_read(tid, &live->maps);
	if (err)
		return err;
	if (live->maps.vdso < 1ULL << 32)
		return -ENOEXEC;
	err = tnb_link_page_find(proc, memory, &live->page);
	live->has_pages = err > 0;
	return err < 0 ? err : 0;
}

static __u64 pass_of(const struct tnb_placement *placement)
{
	return placement->slot && !placement->is_split ? placement->pass
						       : TNB_NO_PASS;
}

bool tnb_view_is_linked(const struct tnb_view *live)
{
	return live->has_pages && live->page.link.slot;
}

bool tnb_view_is_in_place(const struct tnb_view *live,
			  const struct tnb_placement *placement)
{
	if (!live->has_pages)
		return !placement->slot;
	if (live->page.link.slot != placement->slot)
		return false;
	return !placement->slot || (live->page.load == placement->load &&
				    live->page.link.pass == pass_of(placement));
}

/* ---- Is it still what was looked at? ------------------------------------- */

struct change {
	const struct tnb_injector *injector;
	const struct tnb_view *live;
	const struct tnb_placement *placement;
	int proc;
	struct tnb_threads threads;
	struct tnb_tracee *carrier; /* its memory is open; maps the pages */
	struct tnb_writing fill;
	struct user_regs_struct regs; /* of the carrier, as it was */
	struct tnb_mapping place;     /* .room 0: it was not sent there */
	int channel;
};

/* It needs no other: nothing has to be mapped. Which slot its mapping shows is
 * known only as long as its link tells. */
static bool has_clock_page(const struct change *change)
{
	const struct tnb_link_page *page = &change->live->page;

	return change->live->has_pages &&
	       (!change->placement->slot ||
		(page->link.slot == change->placement->slot &&
		 page->load == change->placement->load));
}

static bool is_64bit(const struct tnb_tracee *tracee)
{
	struct user_regs_struct regs;

	return tracee->gone || (!tnb_tracee_get_regs(tracee, &regs) &&
				regs.cs == TNB_USER_CS_64);
}

static bool has_same_link(const struct change *change)
{
	const struct tnb_view *live = change->live;
	struct tnb_vdso_link link;

	return !tnb_tracee_read(change->carrier, live->page.at + TNB_PAGE_SIZE,
				&link, sizeof(link)) &&
	       link.magic == TNB_VDSO_LINK_MAGIC &&
	       link.slot == live->page.link.slot &&
	       link.vdso == live->maps.vdso;
}

static bool has_originals(const struct change *change)
{
	struct tnb_vdso_jump original[TNB_VDSO_JUMPS];
	uint8_t code[sizeof(original->code)];
	size_t count = tnb_vdso_originals(change->injector->vdso, original);

	for (size_t i = 0; i < count; i++)
		if (tnb_tracee_read(change->carrier,
				    change->live->maps.vdso +
					    original[i].offset,
				    code, original[i].length) ||
		    memcmp(code, original[i].code, original[i].length))
			return false;
	return true;
}

/*
 * It may have executed a program since, and whoever starts programs has given
 * it pages before the first instruction: a second image would be unknown to
 * its unwinders. Jumps that are not ours are another tool's, which shall find
 * them as it left them.
 */
static int check_pages(const struct change *change)
{
	struct tnb_link_page page;

	if (change->live->has_pages)
		return has_same_link(change) ? 0 : -EAGAIN;
	if (has_originals(change))
		return 0;
	return tnb_link_page_find(change->proc, change->carrier->mem, &page)
		       ? -EAGAIN
		       : -ENOSPC;
}

static int check(struct change *change)
{
	const struct tnb_vdso *vdso = change->injector->vdso;
	const struct tnb_vdso_maps *maps = &change->live->maps;
	int err;

	for (size_t i = 0; i < change->threads.count; i++)
		if (!is_64bit(&change->threads.thread[i]))
			return -ENOEXEC;
	if (maps->vdso_end - maps->vdso != vdso->size || !maps->vvar ||
	    maps->vdso - maps->vvar != vdso->vvar_below)
		return -ENOSPC;
	err = tnb_write_check(change->carrier, maps->vdso);
	if (err == -ENOEXEC)
		return -ENOSPC;
	/* Nothing is there any more: it has executed a program. */
	if (err == -EIO || err == -EFAULT)
		return -EAGAIN;
	return err ? err : check_pages(change);
}

/*
 * Whether nobody runs who uses its memory. Not before all threads are where
 * they stay: those that ran on for a moment may have made others.
 */
static int check_alone(const struct change *change)
{
	const struct tnb_sharing *memory = change->injector->memory;
	int err = tnb_threads_check(&change->threads, change->proc);
	bool dispatches = false;

	if (err || !memory)
		return err;
	err = tnb_sharing_is_in_use(memory, &change->threads, &dispatches);
	/* A system call of ours would end it. */
	if (!err && dispatches && !has_clock_page(change))
		return -EPERM;
	/* What failed for want of memory or files may succeed again. */
	return !err || err == -ESRCH ? err : -EAGAIN;
}

/* ---- Changing it --------------------------------------------------------- */

/*
 * A restartable sequence (rseq(2)) must not be left and come back to. Nobody is
 * in one while in a system call; of others the kernel clears the pointer when
 * it next finds them outside.
 */
static bool is_in_sequence(const struct tnb_tracee *tracee, int memory)
{
	struct ptrace_rseq_configuration rseq = { 0 };
	struct user_regs_struct regs;
	__u64 section = 0;

	if (tnb_tracee_get_regs(tracee, &regs))
		return true;
	if ((long)regs.orig_rax >= 0)
		return false;
	if (syscall(SYS_ptrace, PTRACE_GET_RSEQ_CONFIGURATION, tracee->tid,
		    sizeof(rseq), &rseq) <= 0 ||
	    !rseq.rseq_abi_pointer)
		return false;
	return pread(memory, &section, sizeof(section),
		     (off_t)(rseq.rseq_abi_pointer +
			     offsetof(struct rseq, rseq_cs))) !=
		       sizeof(section) ||
	       section;
}

/* What it opens is taken from the first thread (pidfd_getfd(2)), and a thread
 * may have files of its own (unshare(2)). */
static bool has_files_of_first(const struct tnb_threads *threads, pid_t tid)
{
	return tid == threads->tgid ||
	       !syscall(SYS_kcmp, threads->tgid, tid, KCMP_FILES, 0UL, 0UL);
}

/* The first of those that can do it. */
static struct tnb_tracee *find_carrier(struct change *change, int memory)
{
	struct tnb_threads *threads = &change->threads;
	bool maps = !has_clock_page(change);

	for (size_t i = 0; i < threads->count; i++)
		if (!threads->thread[i].gone &&
		    (!maps ||
		     has_files_of_first(threads, threads->thread[i].tid)) &&
		    !is_in_sequence(&threads->thread[i], memory))
			return &threads->thread[i];
	return NULL;
}

static int map_pages(struct change *change)
{
	const struct tnb_vdso *vdso = change->injector->vdso;
	const struct tnb_mapping place = {
		.map = change->injector->map,
		.slot = change->placement->slot,
		.at = change->live->has_pages ? change->live->page.at : 0,
		.room = change->live->maps.vdso + vdso->room,
		.room_size = vdso->room_size,
	};
	int err = 0;

	change->fill.pages = change->live->page.at;
	if (has_clock_page(change))
		return 0;
	/* Who looks at them after our death must not take the old link for that
	 * of the new page. */
	if (place.at)
		err = tnb_write_pages(change->carrier, &change->fill);
	if (!err)
		err = tnb_tracee_get_regs(change->carrier, &change->regs);
	if (err)
		return err;
	change->place = place;
	return tnb_mapping(change->carrier, &place, &change->fill.pages,
			   &change->channel);
}

/* As write_pass() of exec.c: who left since the placement was looked at has
 * taken the pass away from all who have its number. The process is looked at
 * anew. */
static int give_pass(const struct change *change)
{
	const struct tnb_placement *placement = change->placement;
	const struct tnb_clock_page *page =
		&change->injector->pages[placement->slot];

	int err;

	if (pass_of(placement) == TNB_NO_PASS)
		return 0;
	err = tnb_write_pass(change->carrier, change->fill.pages,
			     placement->pass);
	if (err || tnb_read_once(page->taken) == placement->taken)
		return err;
	err = tnb_write_pass(change->carrier, change->fill.pages, TNB_NO_PASS);
	return err ? err : -EAGAIN;
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
	return give_pass(change);
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
		.taken = change->placement->taken,
	};
	enum tnb_slow why;
	int err;

	if (!change->placement->slot)
		return 0;
	/* Whoever executes inside has none; it did so outside. */
	forget_arrival(change);
	err = tnb_start_prepare(change->injector, change->carrier, &exec,
				&change->channel, &why);
	return err > 0 ? -EAGAIN : err;
}

/*
 * The image that is there may be another version's, or layout's, and is
 * replaced: its entries are where ours are (loader/payload/image.lds), but
 * nobody may stand behind them. It is one page: who dies over it has written
 * all or nothing.
 */
static int stand_outside(struct change *change)
{
	const struct tnb_vdso *vdso = change->injector->vdso;
	unsigned char image[TNB_PAGE_SIZE];
	struct tnb_readers readers = {
		.vdso = vdso,
		.at = change->live->maps.vdso,
		.code = image,
		.page_changes = !has_clock_page(change),
	};

	if (change->live->has_pages) {
		readers.image = change->live->page.at + 2 * TNB_PAGE_SIZE;
		if (tnb_tracee_read(change->carrier, readers.image, image,
				    sizeof(image)))
			return -EAGAIN;
		if (!tnb_vdso_image_is_same(vdso, image))
			readers.page_changes = true;
	}
	return tnb_quiesce(&change->threads, &readers, change->carrier->mem);
}

static int change_stopped(struct change *change)
{
	int err;

	if (tnb_start_is_fresh(change->carrier))
		return prepare_fresh(change);
	err = check(change);
	if (!err)
		err = stand_outside(change);
	if (!err && change->carrier->gone)
		err = -EAGAIN;
	if (!err)
		err = check_alone(change);
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

	if (!change->place.room || change->carrier->gone)
		return 0;
	left = tnb_map_pages_leave(change->carrier, &change->place,
				   &change->channel);
	if (left)
		return left > 0 ? 0 : left;
	return tnb_map_pages_return(change->carrier, &change->regs);
}

static int open_carrier(struct change *change)
{
	char path[32];
	_cleanup_close_
	int memory = -1;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/mem",
		 change->threads.thread[0].tid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	change->carrier = find_carrier(change, memory);
	if (!change->carrier)
		return -EAGAIN;
	err = tnb_tracee_open(change->carrier);
	return err ? err : change->carrier->strict ? -EPERM : 0;
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
		.fill = { .vdso = injector->vdso,
			  .at = live->maps.vdso,
			  .slot = placement->slot },
		.channel = -1,
	};
	int err = tnb_budget_begin(ms);

	if (!err)
		err = tnb_threads_stop(live->pid, proc, &change.threads);
	if (!err)
		err = open_carrier(&change);
	if (!err) {
		err = change_stopped(&change);
		if (bring_back(&change))
			err = -ETIMEDOUT;
	}
	if (tnb_threads_release(&change.threads))
		err = -ETIMEDOUT;
	tnb_map_pages_close(&change.channel);
	tnb_budget_end();
	return err;
}
