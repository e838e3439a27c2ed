/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Access to maps by bpf(2), so that it disturbs nobody's clock: the kernel
 * passes all kprobe programs of a CPU by while a map operation stands
 * preempted there (bpf_prog_active, kernel/bpf/syscall.c), and on a preemptible
 * kernel that can last for a time slice. Return 0, or -1 with errno as libbpf.
 */
#ifndef TIMENSBPF_LOADER_KERNEL_BPF_MAP_H
#define TIMENSBPF_LOADER_KERNEL_BPF_MAP_H

#include <linux/types.h>
#include <stdint.h>
#include <timensbpf/timensbpf.h>

TNB_MUST_CHECK int tnb_bpf_map_lookup(int fd, const void *key, void *value);
TNB_MUST_CHECK int tnb_bpf_map_update(int fd, const void *key,
				      const void *value);
TNB_MUST_CHECK int tnb_bpf_map_delete(int fd, const void *key);

/* The kernel's number of a map, or a negative errno. */
int64_t tnb_bpf_map_id(int fd);

struct bpf_object;

/*
 * Make and fill the maps of an object's global data before it is loaded, which
 * libbpf would do otherwise. Returns 0 or -errno.
 */
TNB_MUST_CHECK int tnb_bpf_map_make_data(struct bpf_object *object);

#endif
