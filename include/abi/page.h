/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clock page: one rule's numbers, shared by BPF programs, user space and
 * the replacement vDSO. The one entry of a BPF array of its own, 4096 bytes,
 * mapped read-only everywhere; `clock_pages` has the array of each slot. A rule
 * that begins gets a new one, so that a process that still maps the page of a
 * rule that has ended never sees another's. Only BPF programs write it:
 * `page_write` the clocks and the pass of a new rule, `page_pass` and those of
 * bpf/life/move.bpf.c the pass.
 *
 * Invariants
 *  P1. Readers pick set[sequence & 1] and retry only if sequence has moved; a
 *      writer changes the copy that no reader is sent to (a latch, see
 *      latch.h and the kernel's include/linux/seqlock.h).
 *  P2. An odd sequence means that a writer is between its two copies.
 *  P3. A clock whose flags are 0 is an offset only: virtual = host + offset.
 *  P4. offset_nsec, host_ref_nsec and virt_ref_nsec are in [0, 999999999].
 *  P5. A process may use its mapped page only while page.pass equals link.pass;
 *      otherwise its reads fall back to the system call. The pass of a link is
 *      the generation of the page, a number that no other page has. Until the
 *      owner is written, which is how a rule begins, and after its end, the
 *      page's pass equals no generation. It is also revoked for as long as a
 *      process that maps the page may live elsewhere (docs/fast-path.md).
 *      Under lockdown, where that system call has the host's time, it is not
 *      revoked, and the page can be read before its rule begins and after its
 *      end (bpf/user/page_writer.bpf.c).
 *  P6. Where no_calls is set, in the page or in the link, the page is read
 *      whatever its pass: the system call might kill the process.
 *
 * Included from BPF, freestanding and hosted C: fixed-width types only.
 */
#ifndef TIMENSBPF_ABI_PAGE_H
#define TIMENSBPF_ABI_PAGE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif
#include <timensbpf/clock.h>

#define TNB_PAGE_MAGIC 0x746e6270u /* "tnbp" */
#define TNB_PAGE_ABI 9u
#define TNB_PAGE_SIZE 4096u

/* Slots; slot 0 is the identity and never handed out. */
#define TNB_SLOTS 16384u
/* Cgroups that can be virtual at once, inherited ones included. */
#define TNB_CGROUPS 65536u

/* tnb_clock.flags */
#define TNB_CLOCK_RATE 1u /* host_ref, virt_ref and rate are in force */

struct tnb_clock {
	__s64 offset_sec;
	__u32 offset_nsec;
	__u32 flags;
	__s64 host_ref_sec;
	__s64 virt_ref_sec;
	__u32 host_ref_nsec;
	__u32 virt_ref_nsec;
	__u64 rate;   /* virtual seconds per host second, 2^-32 units */
	__u32 source; /* clock id of the host that feeds this clock */
	__u32 reserved[3];
};

struct tnb_clock_set {
	struct tnb_clock clock[TNB_CLOCKS];
};

struct tnb_clock_page {
	__u32 magic;
	__u32 abi;
	__u64 owner;	/* cgroup id of the rule, 0: the slot is free */
	__u32 sequence; /* P1, P2 */
	__u32 writer;	/* 1 while a writer's turn lasts, both copies */
	__u64 pass;	/* P5: generation, plus 2^32 each time it is revoked */
	__u32 generation;  /* the number of P5 */
	__u32 no_calls;	   /* P6 */
	__u64 revocations; /* times that the pass was revoked, never less */
	/* A random number of the load that made the map: a process may map the
	 * page of one that is gone (its pins were removed by hand). */
	__u64 load;
	__u32 slot;
	__u32 unused_word;
	struct tnb_clock_set set[2];
	__u8 unused[TNB_PAGE_SIZE - 64 - 2 * sizeof(struct tnb_clock_set)];
};

/* What user space hands to the BPF program `page_write` (BPF_PROG_RUN). */
struct tnb_page_write {
	__u32 slot;
	__s32 result; /* out: 0, -EINVAL, -EAGAIN (another writer is at work) */
	__u64 owner;
	__u64 revocations; /* as it was when the page was got ready for a new
			      rule */
	__u32 generation;  /* of a page that has none yet; else 0 */
	__u32 unused;
	struct tnb_clock_set set;
};

/* What user space hands to `page_pass`: revoke the pass, or return it if
 * it still is `seen`, that is if no process moved since. */
struct tnb_clock_page_pass {
	__u32 slot;
	__s32 result; /* out: 0, -EINVAL, -EAGAIN (a process moved) */
	__u64 seen;   /* 0: revoke */
};

_Static_assert(sizeof(struct tnb_clock) == 64, "ABI: one cache line");
_Static_assert(sizeof(struct tnb_clock_page) == TNB_PAGE_SIZE, "ABI: a page");
_Static_assert(__builtin_offsetof(struct tnb_clock_page, set) == 64,
	       "ABI: the copies begin on a cache line");

#endif
