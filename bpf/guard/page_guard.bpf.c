/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * A process that maps the clock page of its rule must not map those of other
 * rules, or read them by bpf(2).
 *
 * - remap_file_pages(2) needs no file descriptor, only the mapping. It always
 *   populates (mm/mmap.c), so that is refused. It calls the hook since 6.12 and
 *   the stable kernels of that time.
 * - While its pages are put into place, a process has a file descriptor of the
 *   map. So only root may map it or be given it (SCM_RIGHTS, pidfd_getfd(2)),
 *   and processes that root traces at that moment, as the loader does.
 */
#include "lib/errno.bpf.h"
#include "lib/maps.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#define TNB_MAP_POPULATE 0x8000

extern const void bpf_map_fops __ksym __weak;

/* Root of the initial user namespace. */
static __always_inline bool is_root(struct task_struct *task)
{
	return !BPF_CORE_READ(task, cred, euid.val) &&
	       !BPF_CORE_READ(task, cred, user_ns, level);
}

static __always_inline bool may_have_pages(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return is_root(task) || (BPF_CORE_READ(task, ptrace) &&
				 is_root(BPF_CORE_READ(task, parent)));
}

static __always_inline bool is_of_pages(struct file *file)
{
	return file &&
	       BPF_CORE_READ(file, f_op) == (const void *)&bpf_map_fops &&
	       (__u64)BPF_CORE_READ(file, private_data) == (__u64)&clock_pages;
}

static __always_inline bool may_map(unsigned long flags)
{
	if (flags & TNB_MAP_POPULATE)
		return false;
	return may_have_pages();
}

static __always_inline int guard_mapping(struct file *file, unsigned long flags)
{
	if (!is_of_pages(file))
		return 0;
	return may_map(flags) ? 0 : -TNB_EPERM;
}

static __always_inline int guard_receiving(struct file *file)
{
	if (!is_of_pages(file))
		return 0;
	return may_have_pages() ? 0 : -TNB_EPERM;
}

SEC("lsm/mmap_file")
int BPF_PROG(lsm_mmap_file, struct file *file, unsigned long reqprot,
	     unsigned long prot, unsigned long flags)
{
	return guard_mapping(file, flags);
}

SEC("fmod_ret/security_mmap_file")
int BPF_PROG(fmod_ret_mmap_file, struct file *file, unsigned long prot,
	     unsigned long flags)
{
	return guard_mapping(file, flags);
}

SEC("lsm/file_receive")
int BPF_PROG(lsm_file_receive, struct file *file)
{
	return guard_receiving(file);
}

SEC("fmod_ret/security_file_receive")
int BPF_PROG(fmod_ret_file_receive, struct file *file)
{
	return guard_receiving(file);
}
