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

#include <abi/hold.h>
#include <abi/page.h>

/*
 * A thread is held only while the loader gave a sign of life within this time,
 * by CLOCK_MONOTONIC. Many beats long, because a machine may stand still for
 * some. A death is known at once: a guard that saw its loader die leaves 0
 * (service/guard.c).
 */
#define TNB_BEAT_LIMIT_NS 250000000ULL
/* After this time without one of both there is no loader; events are told until
 * then. The guard's may be so old where real-time threads have no CPU for a
 * while (sched_rt_runtime_us); a guard that was killed is replaced, and not by
 * a loader that is stopped. */
#define TNB_BEAT_GONE_NS 5000000000ULL
/* How often each thread beats that does: several times within
 * TNB_BEAT_LIMIT_NS. */
#define TNB_BEAT_EVERY_MS 20
/* So many beats fit into TNB_BEAT_LIMIT_NS. */
#define TNB_BEAT_LOOKS (TNB_BEAT_LIMIT_NS / 1000000 / TNB_BEAT_EVERY_MS)

enum tnb_beat { TNB_BEAT_LOADER, TNB_BEAT_GUARD, TNB_BEATS };

/* Threads of the loader that trace, in two halves with CPUs of their own. */
#define TNB_TRACERS 32u
#define TNB_HALVES 2

/*
 * Why a program started slow, that is with system calls for its clock.
 *
 * X(NAME, json key, what it means)
 */
#define TNB_SLOW_REASONS(X)                                                  \
	X(TRACED, traced, "traced by another process")                       \
	X(IA32, ia32, "32-bit program, whose vDSO the kernel does not show") \
	X(LATE, late, "the loader came after the first instruction")         \
	X(FILES, files, "no file descriptors left (RLIMIT_NOFILE)")          \
	X(REFUSED, refused,                                                  \
	  "tracing it, or a system call that mapping needs, was refused")    \
	X(TIMEOUT, timeout, "took longer than a start may be kept waiting")  \
	X(GONE, gone, "ended while it was being prepared")                   \
	X(MISSED, missed, "the loader did not come in time")                 \
	X(BUSY, busy, "more programs started at once than can be held")      \
	X(SHORT, loader_short,                                               \
	  "the loader had no memory or no file descriptor for it")           \
	X(OTHER, other, "its memory does not look as expected")

#define TNB_SLOW_ENUM(name, key, text) TNB_SLOW_##name,
enum tnb_slow { TNB_SLOW_REASONS(TNB_SLOW_ENUM) TNB_SLOW_MAX };
#undef TNB_SLOW_ENUM

/*
 * Processes that came into a rule from outside, where they read the host's
 * vDSO. They keep the host's time, by system call too, until the loader has
 * changed them: so all doors change at one instant. Their children do, for as
 * long. A process that has pages of a rule needs no entry: leaving a rule
 * revokes the pass, and without the pass all doors go by system call. Where the
 * page is read without the pass (P6 of page.h) it does, and keeps the time of
 * the rule that it came from. An entry each, found by the process id modulo
 * TNB_ARRIVALS: the process id (22 bits, PID_MAX_LIMIT of the kernel's
 * include/linux/threads.h), and when it came, in milliseconds of
 * CLOCK_MONOTONIC. A process that finds another's entry there has the rule's
 * time at once by system call.
 */
#define TNB_ARRIVALS 1024u
/* They have the rule's time by system call after this, changed or not. */
#define TNB_ARRIVAL_MS 10000
#define TNB_NSEC_PER_MS 1000000ULL
#define TNB_ARRIVAL_TIME_BITS 42

#define TNB_ARRIVAL(tgid, since_ms) \
	((__u64)(tgid) << TNB_ARRIVAL_TIME_BITS | (since_ms))

/* Of a process: a slot (14 bits), what its id has above that modulo, and the
 * generation of the page, by which a later rule in the slot is told from it. */
#define TNB_ARRIVAL_FROM(tgid, slot, generation) \
	((__u64)(generation) << 32 |             \
	 (__u64)((tgid) / TNB_ARRIVALS % (1u << 12)) << 16 | (slot))

static inline __u32 tnb_arrival_from_slot(__u64 from)
{
	return from & 0xffff;
}

static inline __u32 tnb_arrival_from_generation(__u64 from)
{
	return from >> 32;
}

static inline int tnb_arrival_from_is_of(__u64 from, __u32 tgid)
{
	return !from ||
	       (from >> 16 & 0xfff) == tgid / TNB_ARRIVALS % (1u << 12);
}

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

/*
 * A process, by what no other can have or take: its id (22 bits) and when it
 * began, in clock ticks since the machine did (field 22 of /proc/PID/stat).
 */
#define TNB_PROCESS_TIME_BITS 42
#define TNB_PROCESS(tgid, began) \
	((__u64)(tgid) << TNB_PROCESS_TIME_BITS | (began))
#define TNB_PATCHERS 8u

/*
 * How a CALL ended.
 *
 * X(NAME, json key, what it means)
 */
#define TNB_CALL_OUTCOMES(X)                                                       \
	X(COMPLETED, completed, "completed by the loader")                         \
	X(TRACED, traced, "not completed: traced by another process")              \
	X(LATE, late,                                                              \
	  "not completed: they had returned, or may have, before the loader came") \
	X(GONE, gone, "not completed: the thread ended within the call")           \
	X(REFUSED, refused,                                                        \
	  "not completed: tracing the thread was refused, or it did not stop")

#define TNB_CALL_ENUM(name, key, text) TNB_CALL_##name,
enum tnb_call_outcome { TNB_CALL_OUTCOMES(TNB_CALL_ENUM) TNB_CALL_OUTCOME_MAX };
#undef TNB_CALL_ENUM

/* What the loader does with a call (loader/process/call.c). */
enum tnb_call_task {
	TNB_CALL_TIME,	/* time(2) */
	TNB_CALL_TIMES, /* times(2) */
	/* They are made again, after memory was made writable: a read of a
	 * clock, a wait until a deadline. */
	TNB_CALL_READ,
	TNB_CALL_WAIT,
	/* The thread is stopped for as long as memory holds `bytes`: after
	 * memory was made writable, the scheduler's program puts it back. */
	TNB_CALL_SETTLE,
	TNB_CALL_TASK_MAX
};

/*
 * A thread's calls of time(2) and times(2): the last one that has begun, and
 * the last one that the loader has completed, as its thread id and a number. So
 * each is completed, and counted, once, whichever event the loader came for.
 * Found by the thread id modulo TNB_CALLERS; a call whose entry another thread
 * has taken is completed, and counts as lost.
 */
#define TNB_CALLERS 4096u
#define TNB_CALLER(tid, number) ((__u64)(tid) << 32 | (__u32)(number))

struct tnb_caller {
	__u64 begun, completed;
};

/* Its place in tnb_loader_state.caller. */
static inline __u32 tnb_caller_index(__u32 tid)
{
	return tid & (TNB_CALLERS - 1);
}

static inline __u32 tnb_caller_tid(__u64 call)
{
	return call >> 32;
}

struct tnb_loader_state {
	__u64 beat_ns[TNB_BEATS]; /* CLOCK_MONOTONIC */
	/* By each half of the tracers' CPUs: beats at which it had a CPU, and
	 * so had its tracers. The clock of holds that wait for them. */
	__u32 beats[TNB_HALVES];
	__u64 may_hold;	  /* 1: threads are held for it */
	__u64 may_spin;	  /* so many at once that cannot yield their CPU */
	__u64 spinning;	  /* so many do now */
	__u64 holds;	  /* so far: the number of the last one */
	__u64 calls;	  /* the same of calls of time(2) and times(2) */
	__u64 moves_lost; /* MOVED events that the buffer had no room for */
	__u64 fast;	  /* programs that were given the image */
	__u64 hung;	  /* loaders that the guard has ended */
	__u64 slow[TNB_SLOW_MAX];
	__u64 call[TNB_CALL_OUTCOME_MAX];
	__u64 again[TNB_CALL_TASK_MAX]; /* losses that were made good */
	__u32 heartbeat; /* the thread that gives the loader's beat; 0: none yet
			  */
	/* CALL events that the loader has read, and has not yet seized the
	 * thread of. */
	__u32 seizing;
	/* Threads that its own work on, and may have stopped. 0: none */
	__u32 tracee[TNB_TRACERS];
	__u32 tracer[TNB_TRACERS]; /* the threads that work on them */
	/* Processes that change running ones (process/patcher.c), found by
	 * their id modulo TNB_PATCHERS. */
	__u64 patcher[TNB_PATCHERS]; /* TNB_PROCESS; 0: none */
	__u64 hold[TNB_HOLDS];	     /* hold.h */
	__u64 arrival[TNB_ARRIVALS]; /* 0: none */
	/* The page that it came from, written before the entry
	 * (TNB_ARRIVAL_FROM); 0: from outside of all rules. */
	__u64 arrival_from[TNB_ARRIVALS];
	/* By slot, 1: some process that was given its page may make no system
	 * call (P6 of page.h). Until the slot has another rule. */
	__u8 no_calls[TNB_SLOTS];
	/* By slot, the id of the map that is its page; 0: it never had one. */
	__u32 page_map[TNB_SLOTS];
	__u32 generations; /* that pages had so far: the last one */
	__u32 left_slot;   /* that a cgroup was pointed away from last */
	struct tnb_caller caller[TNB_CALLERS];
};

enum tnb_event_kind {
	/* A program starts in a rule. Its thread is held, or another process
	 * traces it. */
	TNB_EVENT_EXEC,
	/* A process comes to another rule, or out of all, or starts there and
	 * was not prepared. */
	TNB_EVENT_MOVED,
	/* A thread is at the end of a system call whose result is to be another
	 * one, or that is to be made again. */
	TNB_EVENT_CALL,
	/* A thread is held until this memory of it can be written. */
	TNB_EVENT_MEMORY,
};

/* In the place of its number, of a thread that is in no system call. */
#define TNB_CALL_NONE 0xffffffffu

struct tnb_loader_event {
	__u32 kind;
	__u32 tid, tgid; /* in the initial namespace */
	__u32 slot;	 /* of the rule; MOVED: that it left */
	__u32 cpu;	 /* where the thread was held */
	/* CALL: another thread was changing the process' mappings, as a fork
	 * does. To look at them, or to touch memory, is to wait for it. */
	__u32 is_locked;
	__u64 hold;    /* the word of the hold, WAITING; 0: none is held */
	__u64 when_ns; /* CLOCK_MONOTONIC */
	/* EXEC: of the slot's page, when the process was in the rule. */
	__u64 pass, revocations;
	/* Of kinds that say so: memory of the thread, its size in bytes, and
	 * the number of the system call. */
	__u64 address;
	__u32 size, call;
	/* CALL: where the thread is found, and whether the call is of the
	 * 32-bit table. `call` is TNB_CALL_NONE for one by the vsyscall page.
	 */
	__u64 pc, sp;
	__s64 result;
	__u32 task, compat;
	__u64 bytes[2]; /* SETTLE */
};

#endif
