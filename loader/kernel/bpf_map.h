/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Access to maps by bpf(2) that does not disturb clock reads. While a map
 * operation stands preempted on a CPU, the kernel skips all kprobe programs
 * there (bpf_prog_active, kernel/bpf/syscall.c). On a preemptible kernel that
 * can last for a time slice, so the caller runs with real-time priority for the
 * moment. Return 0, or -1 with errno as libbpf does.
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

/* The id of a map, or a negative errno. */
int64_t tnb_bpf_map_id(int fd);

struct bpf_object;

/*
 * Make and fill the maps of an object's global data, before the object is
 * loaded. Otherwise bpf_object__load() would do it with an ordinary priority
 * (bpf_object__populate_internal_map() in libbpf's src/libbpf.c). Returns 0 or
 * -errno.
 */
TNB_MUST_CHECK int tnb_bpf_map_make_data(struct bpf_object *object);

#endif
