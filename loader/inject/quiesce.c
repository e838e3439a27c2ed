/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Code is about to change while threads may be in the middle of it. A thread in
 * the part that stays returns the time of before, as if it had read its clock a
 * moment earlier: no thread has seen a later time yet. But where a clock page
 * takes the place of another, no thread may have read half of it.
 *
 * A signal handler may have interrupted such a function. Then the registers
 * that the kernel saved are on the stack, in a signal frame (arch.h), which is
 * looked for. A frame
 * that is left over on the stack looks the same as one in use: then the process
 * stays as it is for now, and is reported so. Registers that a
 * program keeps elsewhere (swapcontext(3) from a handler) are not found.
 */
#define _GNU_SOURCE
#include "quiesce.h"

#include "base/maps.h"
#include "vdso/jumps.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/*
 * Not by single steps: if the tracer died in one, the process would get the
 * trap (only PTRACE_DETACH clears the flag). So the threads run on for a
 * moment, a little longer each time.
 */
#define ROUNDS_MAX 60
#define PAUSE_FIRST_NS 20000L
#define PAUSE_LAST_NS 10000000L

/* ---- Where a thread is --------------------------------------------------- */

static bool is_inside(const struct tnb_readers *readers, __u64 ip)
{
	const struct tnb_vdso *vdso = readers->vdso;
	__u64 in_image = ip - readers->image;

	if (tnb_vdso_is_patched(vdso, ip - readers->at))
		return true;
	return readers->image &&
	       (tnb_vdso_image_is_patched(vdso, in_image) ||
		(readers->page_changes &&
		 tnb_vdso_image_is_reader(vdso, readers->code, in_image)) ||
		(readers->image_changes &&
		 tnb_vdso_image_is_code(vdso, in_image)));
}

/* Nearly every word points elsewhere. */
static bool may_be_inside(const struct tnb_readers *readers, __u64 word)
{
	return word - readers->at < readers->vdso->size ||
	       word - readers->image < TNB_PAGE_SIZE;
}

/* What a signal handler may have on the stack above the saved registers. */
#define STACK_SIZE (256u << 10)

struct search {
	struct tnb_threads *threads;
	const struct tnb_readers *readers;
	const struct tnb_peek *peek;
	const struct tnb_signal_frames *frames;
	struct tnb_maps_ends ends; /* of its mappings */
	unsigned char *stack;	   /* STACK_SIZE */
	bool *runs;		   /* of each thread */
};

/* The stack in use, up to where its memory ends; in bytes. -EFAULT: it is in
 * memory that is not read, because the memory of a file may never come. */
static ssize_t read_stack(const struct search *search, __u64 sp)
{
	__u64 at = sp & -(__u64)search->frames->word;
	const struct tnb_maps_range *range =
		tnb_maps_range_of(&search->ends, at);
	size_t size = STACK_SIZE;

	if (!range)
		return 0;
	if (!range->is_anonymous)
		return -EFAULT;
	if (range->end - at < size)
		size = range->end - at;
	return tnb_peek_read_sparse(search->peek, at, search->stack, size);
}

/* What cannot be looked at may be inside. */
enum found { NOTHING, INSIDE, OTHER_STACK };

/* *sp: the stack to look at; if a handler on it interrupted code on another
 * stack, that one. */
static enum found look_at_stack(const struct search *search, __u64 *sp)
{
	const struct tnb_signal_frames *frames = search->frames;
	ssize_t size = read_stack(search, *sp);
	__u64 end = *sp + (size_t)size, other = 0;
	struct tnb_signal_frame frame;

	if (size < 0)
		return INSIDE;
	for (size_t at = frames->before; at + frames->behind <= (size_t)size;
	     at += frames->word) {
		if (!frames->at(search->stack + at, &frame))
			continue;
		if (may_be_inside(search->readers, frame.pc) &&
		    is_inside(search->readers, frame.pc))
			return INSIDE;
		if (frame.sp < *sp || frame.sp > end)
			other = frame.sp;
	}
	*sp = other;
	return other ? OTHER_STACK : NOTHING;
}

/* Handlers that interrupt each other, each on a stack of its own (SA_ONSTACK).
 */
#define STACKS_MAX 4

static bool stack_has_inside(const struct search *search, __u64 sp)
{
	enum found found = OTHER_STACK;

	for (int i = 0; i < STACKS_MAX && found == OTHER_STACK; i++)
		found = look_at_stack(search, &sp);
	return found == INSIDE;
}

static int look_at(const struct search *search, const struct tnb_tracee *tracee,
		   bool *is_outside)
{
	struct tnb_registers regs;
	int err = tnb_tracee_get_regs(tracee, &regs);

	*is_outside = err ||
		      (!is_inside(search->readers, tnb_registers_pc(&regs)) &&
		       !stack_has_inside(search, tnb_registers_sp(&regs)));
	return err;
}

/* ---- Getting it out ------------------------------------------------------ */

/* Of the threads that `runs` marks, which are stopped: those that are not
 * outside run on, and stay marked. Returns how many these are. */
static int let_go_inside(const struct search *search)
{
	struct tnb_threads *threads = search->threads;
	bool *runs = search->runs;
	int inside = 0;

	for (size_t i = 0; i < threads->count; i++) {
		struct tnb_tracee *tracee = &threads->thread[i];
		bool is_outside = true;
		int err = tracee->gone || !runs[i]
				  ? 0
				  : look_at(search, tracee, &is_outside);

		runs[i] = false;
		if (!err && !is_outside)
			err = tnb_tracee_continue(tracee);
		if (err == -ESRCH)
			tracee->gone = true;
		else if (err)
			return err;
		runs[i] = !is_outside && !tracee->gone;
		inside += runs[i];
	}
	return inside;
}

static void let_them_run(long ns)
{
	const struct timespec pause = { .tv_nsec = ns };

	nanosleep(&pause, NULL);
}

/* How many are inside still. All are stopped. */
static int search_outside(const struct search *search, bool *ran)
{
	int err, inside = let_go_inside(search);
	long pause = PAUSE_FIRST_NS;

	*ran = inside != 0;
	for (int i = 0; i < ROUNDS_MAX && inside > 0; i++) {
		let_them_run(pause);
		if (pause < PAUSE_LAST_NS)
			pause += pause / 4;
		err = tnb_threads_stop_again(search->threads, search->runs);
		inside = err ? err : let_go_inside(search);
	}
	err = tnb_threads_stop_again(search->threads, search->runs);
	return err ? err : inside;
}

int tnb_quiesce(struct tnb_threads *threads, const struct tnb_readers *readers,
		const struct tnb_peek *peek, bool *ran)
{
	struct search search = {
		.threads = threads,
		.readers = readers,
		.peek = peek,
		.frames = tnb_signal_frames(readers->vdso->narrow),
		.stack = malloc(STACK_SIZE),
		.runs = malloc(threads->count * sizeof(*search.runs)),
	};
	int inside = search.stack && search.runs
			     ? tnb_maps_ends_read(threads->thread[0].tid,
						  &search.ends)
			     : -ENOMEM;

	*ran = false;
	if (!inside) {
		for (size_t i = 0; i < threads->count; i++)
			search.runs[i] = true;
		inside = search_outside(&search, ran);
	}
	tnb_maps_ends_free(&search.ends);
	free(search.stack);
	free(search.runs);
	return inside > 0 ? -EAGAIN : inside;
}
