/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Cgroups and their kernfs directories. */
#ifndef TIMENSBPF_BPF_LIB_CGROUP_COMPAT_BPF_H
#define TIMENSBPF_BPF_LIB_CGROUP_COMPAT_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

extern const void cgrp_dfl_root __ksym __weak;

/* enum kernfs_node_type and KERNFS_TYPE_MASK, include/linux/kernfs.h */
#define TNB_KERNFS_DIR 0x0001
#define TNB_KERNFS_TYPE_MASK 0x000f

/* The id of a cgroup is that of its directory (cgroup_id()). */
static __always_inline __u64 kernfs_id(const struct kernfs_node *node)
{
	return BPF_CORE_READ(node, id);
}

static __always_inline bool kernfs_is_directory(const struct kernfs_node *node)
{
	return (BPF_CORE_READ(node, flags) & TNB_KERNFS_TYPE_MASK) ==
	       TNB_KERNFS_DIR;
}

/* sysfs and cgroup v1 are kernfs trees too, and their ids may be the same
 * numbers. */
static __always_inline bool kernfs_is_cgroup2(const struct kernfs_node *dir)
{
	const struct cgroup_root *root = (const void *)&cgrp_dfl_root;

	return root && kernfs_is_directory(dir) &&
	       BPF_CORE_READ(dir, dir.root) == BPF_CORE_READ(root, kf_root);
}

/* /proc/PID/cgroup names the default hierarchy 0. */
static __always_inline bool cgroup_is_v2(const struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, root, hierarchy_id) == 0;
}

static __always_inline struct cgroup *cgroup_parent_of(struct cgroup *cgroup)
{
	void *css = BPF_CORE_READ(cgroup, self.parent);

	return css ? css - bpf_core_field_offset(struct cgroup, self) : NULL;
}

#endif
