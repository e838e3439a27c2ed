/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * The only writer of clock pages, run by user space (BPF_PROG_RUN). A process
 * that is killed leaves no torn page, because a BPF program runs to its end.
 */
#include "lib/errno.bpf.h"
#include "lib/page_pass.bpf.h"

#include <abi/latch.h>

char _license[] SEC("license") = "GPL";

const volatile __u64 load_number = 0;

/* Used by user space alone (loader/rules/transaction.h). It is a map of this
 * object so that it survives an upgrade with the others. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} journal SEC(".maps");

static __always_inline void store_set(struct tnb_clock_set *to,
				      const struct tnb_clock_set *from)
{
	volatile __u64 *words = (volatile __u64 *)to;

	for (unsigned int i = 0; i < sizeof(*to) / sizeof(*words); i++)
		words[i] = ((const __u64 *)from)[i];
}

/*
 * Before a rule begins, its processes get its pass number. If one of them has
 * left since, the pass is revoked from the first moment on. A process that
 * leaves first counts `revocations` and then changes the pass
 * (page_pass.bpf.h).
 *
 * So if the count is still `revocations`, behind a full barrier, a change by a
 * process that leaves comes after `seen` was read. Either the exchange finds
 * another pass and fails, or the change comes later and revokes our pass. The
 * pass is never valid before this is known.
 */
static __always_inline void begin_pass(struct tnb_clock_page *page,
				       __u64 revocations)
{
	__u64 seen = tnb_read_once(page->pass);

	if (__sync_fetch_and_add(&page->revocations, 0) == revocations &&
	    __sync_val_compare_and_swap(&page->pass, seen, page->generation) ==
		    seen)
		return;
	order_store(&page->pass, page->generation + TNB_PASS_REVOKED);
}

/* Invariant P1 of page.h. */
static __always_inline void store_sets(struct tnb_clock_page *page,
				       const struct tnb_clock_set *set)
{
	order_add(&page->sequence, 1);
	store_set(&page->set[0], set);
	order_add(&page->sequence, 1);
	store_set(&page->set[1], set);
}

/*
 * Where a system call has the host's time, in every cgroup, a page can be read
 * without an owner, too. Before its rule begins it has the numbers that its
 * processes have already. After its rule has ended it has the numbers that they
 * will have.
 */
static __always_inline void write_readable(struct tnb_clock_page *page,
					   const struct tnb_page_write *request)
{
	page->owner = request->owner;
	store_sets(page, &request->set);
	if (!page->pass)
		order_store(&page->pass, page->generation);
}

static __always_inline void write_guarded(struct tnb_clock_page *page,
					  const struct tnb_page_write *request)
{
	bool new_rule = page->owner != request->owner;

	if (new_rule) {
		page->pass = 0;
		page->owner = request->owner;
	}
	store_sets(page, &request->set);
	if (request->owner && new_rule)
		begin_pass(page, request->revocations);
}

/*
 * Writers exclude each other by `writer`, not by the sequence, because the
 * sequence is even again before the second copy is written. A second writer
 * gets -EAGAIN. The flag cannot stay set, because a program cannot be killed
 * half-way.
 */
static __always_inline int write_page(struct tnb_clock_page *page,
				      const struct tnb_page_write *request)
{
	if (__sync_val_compare_and_swap(&page->writer, 0, 1))
		return -TNB_EAGAIN;
	page->magic = TNB_PAGE_MAGIC;
	page->abi = TNB_PAGE_ABI;
	page->slot = request->slot;
	if (!page->load)
		page->load = load_number;
	/* No two pages have the same count of revocations. */
	if (!page->generation) {
		page->generation = request->generation;
		page->revocations = (__u64)request->generation << 32;
	}
	if (calls_are_hosts)
		write_readable(page, request);
	else
		write_guarded(page, request);
	order_store(&page->writer, 0);
	return 0;
}

SEC("syscall")
int page_write(struct tnb_page_write *request)
{
	__u32 slot = request->slot;
	struct tnb_clock_page *page = clock_page_of(slot);

	request->result = page && slot ? write_page(page, request)
				       : -TNB_EINVAL;
	return 0;
}

static __always_inline int return_pass(struct tnb_clock_page *page, __u64 seen)
{
	return __sync_val_compare_and_swap(&page->pass, seen,
					   page->generation) == seen
		       ? 0
		       : -TNB_EAGAIN;
}

/* Callers hold the lock of the rules, so that between `seen` and now the pass
 * cannot have been returned and revoked to the same number. */
SEC("syscall")
int page_pass(struct tnb_clock_page_pass *request)
{
	__u32 slot = request->slot;
	struct tnb_clock_page *page = clock_page_of(slot);

	request->result = -TNB_EINVAL;
	if (!page || !slot)
		return 0;
	request->result = 0;
	if (request->seen)
		request->result = return_pass(page, request->seen);
	else
		pass_revoke(page);
	return 0;
}
