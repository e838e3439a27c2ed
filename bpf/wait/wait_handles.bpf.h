/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * The clocks of POSIX timers, timerfds, rings and their timeouts, which system
 * calls name by a handle. They are read from the kernel's structures. CO-RE
 * handles those that differ between kernels.
 *
 * Programs run under RCU, so that memory which is freed meanwhile stays
 * readable.
 */
#ifndef TIMENSBPF_BPF_WAIT_WAIT_HANDLES_BPF_H
#define TIMENSBPF_BPF_WAIT_WAIT_HANDLES_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "lib/once.bpf.h"

enum decoded {
	WAIT_NONE, /* not absolute, or on a clock that rules do not change */
	WAIT_FOUND,
	WAIT_UNKNOWN, /* absolute, but its clock could not be found out */
};

/* ---- POSIX timers -------------------------------------------------------- */

/* Until 6.11 a list_head, then a hlist. The first member of both is `next`. */
struct signal_struct___timers {
	struct {
		void *first;
	} posix_timers;
} __attribute__((preserve_access_index));

struct k_itimer___any {
	struct {
		void *next;
	} list;
	__s32 it_id;
	__s32 it_clock;
} __attribute__((preserve_access_index));

struct list_walk {
	const void *head; /* where a list_head ends */
	const void *at;
	__u64 wanted;
	__s32 clock;
	enum decoded found;
};

/* No process is known to have more. Where one has, its deadline counts as lost.
 */
#define WALK_MAX (1u << 16)
#define WALK_AGAIN 4

static long timer_walk_turn(__u32 turn, struct list_walk *walk)
{
	const struct k_itimer___any *timer;
	void *next = NULL;
	__s32 id = -1;

	/* The end, of a list or of a hlist. */
	if (walk->at == walk->head || !walk->at) {
		walk->found = WAIT_NONE;
		return 1;
	}
	timer = walk->at - bpf_core_field_offset(struct k_itimer___any, list);
	/* An element that is deleted meanwhile may point nowhere. */
	if (bpf_probe_read_kernel(&next, sizeof(next), walk->at))
		return 1;
	id = BPF_CORE_READ(timer, it_id);
	if (id == (__s32)walk->wanted) {
		walk->clock = BPF_CORE_READ(timer, it_clock);
		walk->found = WAIT_FOUND;
		return 1;
	}
	walk->at = next;
	return 0;
}

/* A function of its own, so that the walk is not on the caller's stack. Returns
 * enum decoded in the upper half and the clock in the lower. */
TNB_ONCE __u64 timer_lookup(__u32 id)
{
	const struct signal_struct *signal = bpf_get_current_task_btf()->signal;
	const void *head = (const void *)signal +
			   bpf_core_field_offset(struct signal_struct___timers,
						 posix_timers);
	struct list_walk walk = {
		.head = head,
		.wanted = (__u32)id,
		.found = WAIT_UNKNOWN,
	};

	/* The timer was in the list before the call and stays there, so a walk
	 * that reaches the end has seen it if it exists. */
	for (int i = 0; i < WALK_AGAIN && walk.found == WAIT_UNKNOWN; i++) {
		if (bpf_probe_read_kernel(&walk.at, sizeof(walk.at), head))
			break;
		bpf_loop(WALK_MAX, timer_walk_turn, &walk, 0);
	}
	return (__u64)walk.found << 32 | (__u32)walk.clock;
}

static __always_inline enum decoded timer_clock(__s32 id, __s32 *clock)
{
	__u64 found = timer_lookup((__u32)id);

	*clock = (__s32)found;
	return (enum decoded)(found >> 32);
}

/* ---- Files --------------------------------------------------------------- */

static __always_inline struct file *current_file(__u32 fd)
{
	const struct fdtable *table =
		BPF_CORE_READ(bpf_get_current_task_btf(), files, fdt);
	struct file *file = NULL;

	if (fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file),
				      BPF_CORE_READ(table, fd) + fd);
	return file;
}

/* If the file is not a timerfd, what is read here does not matter: the call
 * will fail. */
static __always_inline enum decoded timerfd_clock(__u32 fd, __s32 *clock)
{
	const struct file *file = current_file(fd);
	const struct timerfd_ctx *timer;

	if (!file)
		return WAIT_NONE;
	timer = BPF_CORE_READ(file, private_data);
	*clock = BPF_CORE_READ(timer, clockid);
	return WAIT_FOUND;
}

/* ---- Rings --------------------------------------------------------------- */

struct io_ring_ctx___clock {
	__s32 clockid; /* since 6.12 */
} __attribute__((preserve_access_index));

#define RING_ENTER_REGISTERED 16u /* IORING_ENTER_REGISTERED_RING */
#define RINGS_REGISTERED 16u	  /* IO_RINGFD_REG_MAX */

static __always_inline struct file *registered_ring(__u32 index)
{
	struct io_uring_task *io =
		BPF_CORE_READ(bpf_get_current_task_btf(), io_uring);
	struct file *file = NULL;

	if (io && index < RINGS_REGISTERED)
		bpf_probe_read_kernel(
			&file, sizeof(file),
			(void *)io + index * sizeof(file) +
				bpf_core_field_offset(struct io_uring_task,
						      registered_rings));
	return file;
}

static __always_inline enum decoded ring_clock(__u32 fd, __u64 flags,
					       __s32 *clock)
{
	const struct file *file = flags & RING_ENTER_REGISTERED
					  ? registered_ring(fd)
					  : current_file(fd);
	const struct io_ring_ctx___clock *ring;

	if (!file ||
	    !bpf_core_field_exists(struct io_ring_ctx___clock, clockid))
		return WAIT_NONE;
	ring = BPF_CORE_READ(file, private_data);
	*clock = BPF_CORE_READ(ring, clockid);
	return WAIT_FOUND;
}

/* include/uapi/linux/io_uring.h */
#define RING_TIMEOUT_ABS 1u
#define RING_TIMEOUT_UPDATE 2u
#define RING_TIMEOUT_BOOTTIME 4u
#define RING_TIMEOUT_REALTIME 8u
#define RING_TIMEOUT_UPDATE_LINK 16u
#define RING_TIMEOUT_IMMEDIATE 128u /* sqe->addr is the time, in 7.x */

static __always_inline __s32 ring_timeout_clock(__u32 flags)
{
	return flags & RING_TIMEOUT_BOOTTIME   ? 7
	       : flags & RING_TIMEOUT_REALTIME ? 0
					       : 1;
}

struct io_timeout___any {
	struct list_head list;
} __attribute__((preserve_access_index));

struct io_timeout_data___any {
	__u32 flags;
} __attribute__((preserve_access_index));

struct io_ring_ctx___lists {
	struct list_head timeout_list;
	struct list_head ltimeout_list;
} __attribute__((preserve_access_index));

/* The command is at the beginning of its request (struct io_kiocb). */
static long timeout_walk_turn(__u32 turn, struct list_walk *walk)
{
	const struct io_kiocb *request;
	const struct io_timeout_data___any *data;
	void *next = NULL;

	if (walk->at == walk->head) {
		walk->found = WAIT_NONE;
		return 1;
	}
	if (bpf_probe_read_kernel(&next, sizeof(next), walk->at))
		return 1;
	request =
		walk->at - bpf_core_field_offset(struct io_timeout___any, list);
	if (BPF_CORE_READ(request, cqe.user_data) == walk->wanted) {
		data = BPF_CORE_READ(request, async_data);
		walk->clock = ring_timeout_clock(BPF_CORE_READ(data, flags));
		walk->found = WAIT_FOUND;
		return 1;
	}
	walk->at = next;
	return 0;
}

/* As timer_lookup(). */
TNB_ONCE __u64 ring_update_lookup(__u64 ring, __u64 user_data, __u32 link)
{
	struct list_walk walk = {
		.wanted = user_data,
		.found = WAIT_UNKNOWN,
	};

	walk.head = (void *)ring +
		    (link ? bpf_core_field_offset(struct io_ring_ctx___lists,
						  ltimeout_list)
			  : bpf_core_field_offset(struct io_ring_ctx___lists,
						  timeout_list));
	if (!bpf_probe_read_kernel(&walk.at, sizeof(walk.at), walk.head))
		bpf_loop(WALK_MAX, timeout_walk_turn, &walk, 0);
	return (__u64)walk.found << 32 | (__u32)walk.clock;
}

/* An update does not change the clock of a timeout. */
static __always_inline enum decoded
ring_update_clock(const struct io_kiocb *request, __u64 user_data, bool link,
		  __s32 *clock)
{
	__u64 ring = (__u64)BPF_CORE_READ(request, ctx);
	__u64 found = ring_update_lookup(ring, user_data, link);

	*clock = (__s32)found;
	return (enum decoded)(found >> 32);
}

#endif
