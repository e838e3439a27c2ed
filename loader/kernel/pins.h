/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pinned programs, maps and links below /sys/fs/bpf.
 *
 *  timensbpf/{maps,progs,links}/NAME  what is in force
 *  timensbpf-new                      being built, or replaced and not yet gone
 *  timensbpf-old                      being removed
 *
 * Invariants
 *  I1. Everything here is changed only under tnb_pins_lock().
 *  I2. `timensbpf` appears, is exchanged and disappears by one rename, so that
 *      a process that is killed leaves it whole or absent. If the other
 *      two exist when the lock is taken, they are leftovers, which
 *      tnb_pins_sweep() removes.
 */
#ifndef TIMENSBPF_LOADER_KERNEL_PINS_H
#define TIMENSBPF_LOADER_KERNEL_PINS_H

#include <limits.h>
#include <linux/types.h>
#include <timensbpf/timensbpf.h>
#include <abi/tables/programs.h>

#define TNB_PINS "/sys/fs/bpf/timensbpf"
#define TNB_PINS_NEW "/sys/fs/bpf/timensbpf-new"
#define TNB_PINS_OLD "/sys/fs/bpf/timensbpf-old"

/* The record of what is loaded: the one entry of the pinned map `state`. */
struct tnb_loaded {
	__u32 page_abi;	  /* TNB_PAGE_ABI */
	__u32 attach;	  /* enum tnb_read_attach, never AUTO */
	__u32 preemption; /* enum tnb_preemption, when it was loaded */
	__u32 lsm;	  /* 1: BPF LSM guards the host's clock */
	char version[64];
};

/* Wait for the lock, at most 10 s. Returns an fd to be closed, or -EBUSY,
 * -ENODEV (no BPF file system). */
TNB_MUST_CHECK int tnb_pins_lock(void);

/* Remove what a killed process left. Under the lock. */
TNB_MUST_CHECK int tnb_pins_sweep(void);

/* Make an empty timensbpf-new. Under the lock. */
TNB_MUST_CHECK int tnb_pins_stage(void);
/* Put timensbpf-new in the place of timensbpf, remove what was there. */
TNB_MUST_CHECK int tnb_pins_publish(void);
/* Remove timensbpf-new: what was built is undone. */
void tnb_pins_abandon(void);
/* Remove timensbpf. Succeeds if there is none. Under the lock. */
TNB_MUST_CHECK int tnb_pins_remove(void);

/* Pin `fd` as ROOT/KIND/NAME. */
TNB_MUST_CHECK int tnb_pins_add(const char *root, const char *kind,
				const char *name, int fd);
/* Open a pin in force. Returns an fd to be closed, or -errno (no message). */
TNB_MUST_CHECK int tnb_pins_get(const char *kind, const char *name);
/* The same for a row of the catalogue, with a message. */
TNB_MUST_CHECK int tnb_pins_map(enum tnb_map_id id);
TNB_MUST_CHECK int tnb_pins_program(enum tnb_program_id id);

/* Call back for each pin in force of a kind, in no order. */
typedef int (*tnb_pins_visit)(const char *name, int fd, void *context);
TNB_MUST_CHECK int tnb_pins_for_each(const char *kind, tnb_pins_visit visit,
				     void *context);

/* Pin the record below timensbpf-new. */
TNB_MUST_CHECK int tnb_pins_add_loaded(const struct tnb_loaded *loaded);
/* Read the record in force: -ENOENT nothing is loaded, -EEXIST the set is not
 * ours or incomplete. */
TNB_MUST_CHECK int tnb_pins_loaded(struct tnb_loaded *loaded);

#endif
