/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "clock_page.h"

#include "base/error.h"
#include "channel.h"
#include "pages.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <time.h>
#include <abi/latch.h>

/* Another writer has the page for microseconds. */
#define WRITE_TRIES 1000
#define WRITE_PAUSE_NS 1000000L

static const __u32 source_clock[TNB_CLOCKS] = {
	[TNB_REALTIME] = CLOCK_REALTIME,
	[TNB_MONOTONIC] = CLOCK_MONOTONIC,
	[TNB_BOOTTIME] = CLOCK_BOOTTIME,
};

static const struct tnb_clock_page *page_of(const struct tnb *tnb, __u32 slot)
{
	return tnb_pages_at(tnb->pages, slot);
}

struct tnb_offsets tnb_clock_page_offsets(const struct tnb *tnb, __u32 slot)
{
	struct tnb_offsets offsets = { { 0 } };

	for (int i = 0; slot && i < TNB_CLOCKS; i++) {
		struct tnb_time time = { 0, 0 };

		/* Ends because the caller has the lock: no other process
		 * writes. */
		while (tnb_page_read(page_of(tnb, slot), (enum tnb_clock_id)i,
				     &time))
			;
		offsets.ns[i] = time.sec * (int64_t)TNB_NSEC_PER_SEC +
				(int64_t)time.nsec;
	}
	return offsets;
}

uint64_t tnb_clock_page_owner(const struct tnb *tnb, __u32 slot)
{
	return tnb_load_acquire(page_of(tnb, slot)->owner);
}

static void fill_set(struct tnb_clock_set *set,
		     const struct tnb_offsets *offsets)
{
	for (int i = 0; i < TNB_CLOCKS; i++) {
		struct tnb_time offset = tnb_time_from_ns(offsets->ns[i]);

		set->clock[i].offset_sec = offset.sec;
		set->clock[i].offset_nsec = offset.nsec;
		set->clock[i].rate = TNB_RATE_ONE;
		set->clock[i].source = source_clock[i];
	}
}

uint64_t tnb_clock_page_revocations(const struct tnb *tnb, __u32 slot)
{
	return tnb_load_acquire(page_of(tnb, slot)->revocations);
}

int tnb_clock_page_make(struct tnb *tnb, __u32 slot,
			const struct tnb_offsets *offsets)
{
	int err = tnb_pages_make(tnb->pages, tnb->clock_pages, slot);

	return err ? err : tnb_clock_page_store(tnb, slot, 0, 0, offsets);
}

int tnb_clock_page_store(struct tnb *tnb, __u32 slot, uint64_t owner,
			 uint64_t revocations,
			 const struct tnb_offsets *offsets)
{
	const struct timespec pause = { .tv_nsec = WRITE_PAUSE_NS };
	struct tnb_page_write request = { .slot = slot,
					  .owner = owner,
					  .revocations = revocations };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &request,
		    .ctx_size_in = sizeof(request), );

	fill_set(&request.set, offsets);
	if (!tnb_clock_page_generation(tnb, slot))
		request.generation = tnb_channel_generation(tnb->loader);
	for (int i = 0; i < WRITE_TRIES; i++) {
		request.result = -EIO;
		if (bpf_prog_test_run_opts(tnb->page_write, &opts))
			return tnb_fail(-errno, "cannot run page_write: %s",
					strerror(errno));
		if (request.result != -EAGAIN)
			break;
		nanosleep(&pause, NULL);
	}
	if (request.result)
		return tnb_fail(request.result,
				"cannot write clock page %u: %s", slot,
				strerror(-request.result));
	return 0;
}

static int run_pass(struct tnb *tnb, __u32 slot, uint64_t seen)
{
	struct tnb_clock_page_pass request = { .slot = slot, .seen = seen };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &request,
		    .ctx_size_in = sizeof(request), );

	return bpf_prog_test_run_opts(tnb->page_pass, &opts) ? -errno
							     : request.result;
}

int tnb_clock_page_pass_revoke(struct tnb *tnb, __u32 slot)
{
	int err = run_pass(tnb, slot, 0);

	return err ? tnb_fail(err,
			      "cannot revoke the pass of clock page %u: %s",
			      slot, strerror(-err))
		   : 0;
}

int tnb_clock_page_pass_return(struct tnb *tnb, __u32 slot, uint64_t seen)
{
	return run_pass(tnb, slot, seen);
}

uint64_t tnb_clock_page_pass(const struct tnb *tnb, __u32 slot)
{
	return tnb_load_acquire(page_of(tnb, slot)->pass);
}

uint64_t tnb_clock_page_generation(const struct tnb *tnb, __u32 slot)
{
	return tnb_load_acquire(page_of(tnb, slot)->generation);
}

bool tnb_clock_page_pass_is_valid(const struct tnb *tnb, __u32 slot)
{
	uint64_t pass = tnb_clock_page_pass(tnb, slot);

	return pass && pass == tnb_clock_page_generation(tnb, slot);
}
