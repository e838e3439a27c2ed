/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * remap_file_pages(2) lets whoever maps one page of a file map its others: of
 * the clock pages those of other rules, which are none of his business. It is
 * the only way to a mapping of the map without a file descriptor of it, and the
 * only one that populates (mm/mmap.c). Kernels call the hook there since 6.12
 * and its stable relatives.
 */
#include "maps.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#define TNB_EPERM 1
#define TNB_MAP_POPULATE 0x8000

extern const void bpf_map_fops __ksym __weak;

static __always_inline int guard_pages(struct file *file, unsigned long flags)
{
	if (!file || !(flags & TNB_MAP_POPULATE) ||
	    BPF_CORE_READ(file, f_op) != (const void *)&bpf_map_fops)
		return 0;
	return (__u64)BPF_CORE_READ(file, private_data) == (__u64)&clock_pages
		       ? -TNB_EPERM
		       : 0;
}

SEC("lsm/mmap_file")
int BPF_PROG(lsm_mmap_file, struct file *file, unsigned long reqprot,
	     unsigned long prot, unsigned long flags)
{
	return guard_pages(file, flags);
}

SEC("fmod_ret/security_mmap_file")
int BPF_PROG(fmod_ret_mmap_file, struct file *file, unsigned long prot,
	     unsigned long flags)
{
	return guard_pages(file, flags);
}
