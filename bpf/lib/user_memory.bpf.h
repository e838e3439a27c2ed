/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Memory of the caller that a program cannot write, because helpers fault no
 * page in: one that a fork has made copy-on-write, that is not present, or that
 * is write-protected for a moment. The thread is held (hold.bpf.h) until the
 * loader has made it writable, which changes no byte
 * (loader/process/memory.c). After that it is tried again.
 *
 * Memory that the loader can never make writable costs no hold: none is mapped
 * there, or it is read-only. Neither does memory whose page faults a program
 * answers, by userfaultfd or FUSE: the loader could wait for it without an end.
 */
#ifndef TIMENSBPF_BPF_LIB_USER_MEMORY_BPF_H
#define TIMENSBPF_BPF_LIB_USER_MEMORY_BPF_H

#include "errno.bpf.h"
#include "hold.bpf.h"
#include "once.bpf.h"
#include "order.bpf.h"

/* A fork that comes between the loader's answer and the next try takes the page
 * again. */
#define MENDS_MAX 3

#define TNB_VM_WRITE 0x2		/* include/linux/mm.h */
#define TNB_FUSE_SUPER_MAGIC 0x65735546 /* include/uapi/linux/magic.h */

/* What mm/mmap.c calls an area: `can_mend` tells whether the loader can help.
 */
struct area_look {
	bool can_mend;
};

static __always_inline bool area_is_of_fuse(struct vm_area_struct *area)
{
	return BPF_CORE_READ(area, vm_file, f_inode, i_sb, s_magic) ==
	       TNB_FUSE_SUPER_MAGIC;
}

static __always_inline bool area_has_userfaultfd(struct vm_area_struct *area)
{
	return bpf_core_field_exists(area->vm_userfaultfd_ctx.ctx) &&
	       BPF_CORE_READ(area, vm_userfaultfd_ctx.ctx);
}

static long area_look(struct task_struct *task, struct vm_area_struct *area,
		      struct area_look *look)
{
	look->can_mend = BPF_CORE_READ(area, vm_flags) & TNB_VM_WRITE &&
			 !area_has_userfaultfd(area) && !area_is_of_fuse(area);
	return 0;
}

enum mendable {
	MEND_NEVER,
	MEND_NOW,
	MEND_LATER, /* another thread is changing the process' mappings: the
		       loader finds out */
};

static __always_inline enum mendable memory_can_mend(__u64 address)
{
	struct area_look look = { .can_mend = false };
	long err = bpf_find_vma(bpf_get_current_task_btf(), address, area_look,
				&look, 0);

	if (err)
		return err == -TNB_EBUSY ? MEND_LATER : MEND_NEVER;
	return look.can_mend ? MEND_NOW : MEND_NEVER;
}

/* Hold the thread until memory was made writable. False: that is not to be had.
 * One that has given up may try once more. */
TNB_ONCE int memory_mend(__u64 address, __u32 size)
{
	struct tnb_loader_state *state = living_loader();
	__u32 *slot = current_slot();
	struct tnb_loader_event event;

	if (!slot || !state || memory_can_mend(address) == MEND_NEVER)
		return false;
	event = event_of_current(TNB_EVENT_MEMORY, *slot);
	event.address = address;
	event.size = size;
	switch (hold_spin(&event, 0)) {
	case HOLD_TAKEN:
		count(TNB_COUNT_MEMORY_MENDED);
		return true;
	case HOLD_GIVEN_UP:
		count(TNB_COUNT_MEMORY_LATE);
		return true;
	case HOLD_BUSY:
		count(TNB_COUNT_MEMORY_BUSY);
		return false;
	case HOLD_NONE:
	case HOLD_REFUSED:
		break;
	}
	return false;
}

static __always_inline long user_read(void *to, __u32 size, const void *from)
{
	long err = bpf_probe_read_user(to, size, from);

	if (err && memory_mend((__u64)from, size))
		err = bpf_probe_read_user(to, size, from);
	return err;
}

/* A time in any layout. */
struct user_words {
	__u64 word[2];
};

/* `size`: 8 or 16. */
TNB_ONCE int user_write_mended(__u64 to, const struct user_words *from,
			       __u32 size)
{
	long err = -TNB_EFAULT;

#pragma clang loop unroll(full)
	for (int i = 0; i < MENDS_MAX; i++) {
		if (!from || !memory_mend(to, size))
			return err;
		err = bpf_probe_write_user((void *)to, from,
					   size == 8 ? 8 : 16);
		if (!err)
			return 0;
	}
	return err;
}

/* For a type of 8 or 16 bytes. */
#define user_write(to, from)                                                 \
	({                                                                   \
		struct user_words words = { 0 };                             \
		long failed = bpf_probe_write_user(to, from, sizeof(*from)); \
                                                                             \
		if (failed) {                                                \
			__builtin_memcpy(&words, from, sizeof(*from));       \
			failed = user_write_mended((__u64)(to), &words,      \
						   sizeof(*from));           \
		}                                                            \
		failed;                                                      \
	})

#endif
