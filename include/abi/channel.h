/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the BPF programs and the loader tell each other: events one way (ring
 * buffer `loader_events`), the one entry of the memory-mapped array
 * `loader_state` both ways. The loader reads and writes it without system
 * calls: a bpf(2) call on a map makes kprobes on its CPU pass
 * (docs/kernels.md).
 */
#ifndef TIMENSBPF_ABI_CHANNEL_H
#define TIMENSBPF_ABI_CHANNEL_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/*
 * A process is held only while both, the loader and its guard, gave a sign of
 * life within this time, by CLOCK_MONOTONIC. Many beats long, because a machine
 * may stand still for some. A death is known at once (service/guard.c).
 */
#define TNB_BEAT_LIMIT_NS 250000000ULL
/* After this time without, there is no loader; events are told until then. */
#define TNB_BEAT_GONE_NS 5000000000ULL
/* The guard lets go of a process that was held for longer than this. */
#define TNB_HOLD_NS 60000000ULL

/* How long a program that starts waits for its tracer
 * (bpf/life/exec_wait.bpf.c). */
#define TNB_WAIT_NS 5000000ULL

/*
 * The last start of a program by a process with that id, modulo TNB_STARTS: a
 * number that no other start has, and a bit that says that the loader was told
 * and no process has waited for it yet. A start outside of all rules leaves 0.
 * By the time that the loader comes, the process that it was told of may have
 * ended and its id be another's, which executes a program, too; then the number
 * is another (or that of a third with an equal id, which has it look closer).
 */
#define TNB_STARTS 1024u
#define TNB_START_WAITS 1u
#define TNB_START(number) ((__u32)(number) << 1)

enum tnb_beat { TNB_BEAT_LOADER, TNB_BEAT_GUARD, TNB_BEATS };

/* Processes held at once; more than that start slow. */
#define TNB_HOLDS 1024u

/* Threads of the loader that trace. */
#define TNB_TRACERS 16u

struct tnb_hold {
	__u64 since_ns; /* CLOCK_MONOTONIC; 0: the entry is free */
	__u32 pid;	/* process id in the initial namespace */
	__u32 sent;	/* the signal that stops it was sent */
};

/*
 * Why a program started slow, that is with system calls for its clock.
 *
 * X(NAME, json key, what it means)
 */
#define TNB_SLOW_REASONS(X)                                                 \
	X(TRACED, traced, "traced by another process")                      \
	X(IA32, ia32, "32-bit program")                                     \
	X(LATE, late, "the loader came after the first instruction")        \
	X(FILES, files, "no file descriptors left (RLIMIT_NOFILE)")         \
	X(REFUSED, refused,                                                 \
	  "tracing it, or a system call that mapping needs, was refused")   \
	X(TIMEOUT, timeout, "took longer than a start may be kept waiting") \
	X(GONE, gone, "ended while it was being prepared")                  \
	X(MISSED, missed, "started before the loader could trace it")       \
	X(BUSY, busy,                                                       \
	  "more programs started at once than the loader can hold")         \
	X(OTHER, other, "its memory does not look as expected")

#define TNB_SLOW_ENUM(name, key, text) TNB_SLOW_##name,
enum tnb_slow { TNB_SLOW_REASONS(TNB_SLOW_ENUM) TNB_SLOW_MAX };
#undef TNB_SLOW_ENUM

/*
 * Processes that came into a rule from outside, where they read the host's
 * vDSO. They keep the host's time, by system call too, until the loader has
 * changed them: so all doors change at one instant. Their children do, for as
 * long. A process that has pages of a rule needs no entry: leaving a rule
 * revokes the pass, and without the pass all doors go by system call. An entry
 * each, found by the process id modulo TNB_ARRIVALS: the process id (22 bits,
 * PID_MAX_LIMIT of the kernel's include/linux/threads.h), and when it came, in
 * milliseconds of CLOCK_MONOTONIC. A process that finds another's entry there
 * has the rule's time at once by system call.
 */
#define TNB_ARRIVALS 1024u
/* They have the rule's time by system call after this, changed or not. */
#define TNB_ARRIVAL_MS 10000
#define TNB_NSEC_PER_MS 1000000ULL
#define TNB_ARRIVAL_TIME_BITS 42

#define TNB_ARRIVAL(tgid, since_ms) \
	((__u64)(tgid) << TNB_ARRIVAL_TIME_BITS | (since_ms))

static inline __u32 tnb_arrival_tgid(__u64 entry)
{
	return entry >> TNB_ARRIVAL_TIME_BITS;
}

static inline __u64 tnb_arrival_since(__u64 entry)
{
	return entry & ((1ULL << TNB_ARRIVAL_TIME_BITS) - 1);
}

/* The entry may be newer than `now_ns`, by another CPU. */
static inline int tnb_arrival_is_over(__u64 entry, __u64 now_ns)
{
	__u64 since_ms = tnb_arrival_since(entry);

	return (__s64)(now_ns / TNB_NSEC_PER_MS - since_ms) > TNB_ARRIVAL_MS;
}

struct tnb_loader_state {
	__u64 beat_ns[TNB_BEATS]; /* CLOCK_MONOTONIC */
	__u64 may_hold;		  /* 1: programs may be stopped for it */
	__u64 may_wait;		  /* 1: programs that start wait for it */
	__u64 holds;		  /* so far; the next entry, modulo TNB_HOLDS */
	__u64 starts;		  /* so far */
	__u64 moves_lost; /* MOVED events that the buffer had no room for */
	__u64 fast;	  /* programs that were given the image */
	__u64 hung;	  /* loaders that the guard has ended */
	__u64 slow[TNB_SLOW_MAX];
	__u32 heartbeat; /* the thread that gives the loader's beat; 0: none yet
			  */
	__u32 unused;
	/* Processes that its threads work on, and may have stopped. 0: none */
	__u32 tracee[TNB_TRACERS];
	struct tnb_hold hold[TNB_HOLDS];
	__u64 arrival[TNB_ARRIVALS]; /* 0: none */
	__u32 start[TNB_STARTS];
};

enum tnb_event_kind {
	TNB_EVENT_EXEC, /* a thread of a rule executes a program */
	TNB_EVENT_HELD, /* its process was stopped, for want of a tracer */
	/* A process comes to another rule, or out of all, or has started there
	 * without a tracer. */
	TNB_EVENT_MOVED,
};

struct tnb_loader_event {
	__u32 kind;
	__u32 tid, tgid; /* in the initial namespace */
	__u32 slot;	 /* EXEC, HELD: of the rule; MOVED: that it left */
	__u32 hold;	 /* HELD: entry of tnb_loader_state.hold */
	__u32 start; /* EXEC, HELD: as in tnb_loader_state.start, 0: unknown */
	__u64 when_ns; /* CLOCK_MONOTONIC */
	/* EXEC, HELD: of the slot's page, when the process was in the rule. */
	__u64 pass, revocations;
};

#endif
