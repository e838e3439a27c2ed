/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * A cgroup made below one with a rule inherits the rule. A cgroup that is
 * removed loses its entry.
 *
 * Inheriting at two moments of mkdir, because `set` walks the tree meanwhile:
 * the LSM hook runs while the directory cannot be seen yet and is never
 * skipped, the tracepoint runs when it can be seen. `set` writes its own entry
 * first, then waits for mkdirs in flight (they hold cgroup_mutex), then walks
 * (rule.c): a directory is seen by the walk, or its mkdir began later and the
 * hook found the entry.
 *
 * BPF_NOEXIST throughout: a rule of the child's own is never overwritten.
 */
#include "lib/cgroup_compat.bpf.h"
#include "lib/errno.bpf.h"
#include "lib/maps.bpf.h"

#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

static __always_inline void inherit(__u64 parent, __u64 child)
{
	__u32 *slot = bpf_map_lookup_elem(&cgroup_slots, &parent);
	__u32 copy;
	int err;

	if (!slot)
		return;
	copy = *slot;
	/* As int: below 6.4 (kernel commit d7ba4cc900bf) the helper returns
	 * one, and the upper half of the register is not its sign. */
	err = bpf_map_update_elem(&cgroup_slots, &child, &copy, BPF_NOEXIST);
	if (!err)
		count(TNB_COUNT_CGROUP_INHERITED);
	else if (err != -TNB_EEXIST)
		count(TNB_COUNT_CGROUP_LOST);
}

SEC("lsm/kernfs_init_security")
int BPF_PROG(lsm_kernfs_init_security, struct kernfs_node *dir,
	     struct kernfs_node *node)
{
	if (kernfs_is_directory(node) && kernfs_is_cgroup2(dir))
		inherit(kernfs_id(dir), kernfs_id(node));
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(tp_cgroup_mkdir, struct cgroup *cgroup)
{
	struct kernfs_node *node = BPF_CORE_READ(cgroup, kn);
	struct cgroup *parent = cgroup_parent_of(cgroup);

	if (parent && cgroup_is_v2(cgroup))
		inherit(kernfs_id(BPF_CORE_READ(parent, kn)), kernfs_id(node));
	return 0;
}

/* Not at rmdir: the last tasks may still be on their way out. */
SEC("tp_btf/cgroup_release")
int BPF_PROG(tp_cgroup_release, struct cgroup *cgroup)
{
	__u64 id = kernfs_id(BPF_CORE_READ(cgroup, kn));

	if (cgroup_is_v2(cgroup))
		bpf_map_delete_elem(&cgroup_slots, &id);
	return 0;
}
