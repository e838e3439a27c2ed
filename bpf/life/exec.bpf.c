/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door F, exec: in a virtual cgroup the new program does not learn of the
 * host's vDSO, so that its first instruction already reads its clock through
 * system calls.
 *
 * Two hooks after create_elf_tables() has laid out the stack: the kprobe is
 * skipped while another BPF map operation stands preempted on the CPU, the
 * tracepoint while another task is preempted inside this very program (7.2).
 * Neither reason implies the other; a start that both miss shows as
 * exec_begun - exec_hidden - exec_failed - exec_kept, counted by an LSM
 * program, which is never skipped.
 *
 * Nothing is hidden from a program whose seccomp filters refuse those calls: it
 * would be killed.
 */
#include "lib/lookup.bpf.h"
#include "lib/seccomp.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#define TNB_AT_NULL 0
#define TNB_AT_IGNORE 1
#define TNB_AT_SYSINFO_EHDR 33
/* The kernel writes about 20 (AT_VECTOR_SIZE in include/linux/mm_types.h). */
#define AUXV_MAX 48

struct auxv_at {
	__u64 address;
	__u32 word; /* bytes */
};

/* The stack: argc, argv[argc], NULL, envp[envc], NULL, auxv (fs/binfmt_elf.c,
 * create_elf_tables). */
static __always_inline struct auxv_at locate_auxv(struct linux_binprm *bprm)
{
	__u64 words = 1 + (__u64)BPF_CORE_READ(bprm, argc) + 1 +
		      (__u64)BPF_CORE_READ(bprm, envc) + 1;
	struct auxv_at at = { .word = current_is_narrow() ? 4 : 8 };

	at.address = BPF_CORE_READ(bprm, p) + words * at.word;
	return at;
}

enum hidden { HIDE_FAILED, HIDE_DONE, HIDE_ABSENT };

static __always_inline enum hidden hide_in(struct auxv_at at)
{
	const __u64 ignore = TNB_AT_IGNORE;

	for (int i = 0; i < AUXV_MAX; i++, at.address += 2 * at.word) {
		__u64 type = 0;

		if (bpf_probe_read_user(&type, at.word == 4 ? 4 : 8,
					(void *)at.address))
			return HIDE_FAILED;
		if (type == TNB_AT_NULL)
			return HIDE_ABSENT;
		if (type != TNB_AT_SYSINFO_EHDR)
			continue;
		return bpf_probe_write_user((void *)at.address, &ignore,
					    at.word == 4 ? 4 : 8)
			       ? HIDE_FAILED
			       : HIDE_DONE;
	}
	return HIDE_FAILED;
}

/*
 * The second of the two hooks finds the entry absent: only the first may count
 * that as hidden (a kernel booted with vdso=0 has none to hide).
 */
static __always_inline void hide_vdso(struct linux_binprm *bprm, bool first)
{
	struct auxv_at at;
	enum hidden hidden;

	if (!current_is_virtual())
		return;
	/* What it was before came from outside, perhaps; the new program begins
	 * here. Also by the LSM program, which is never skipped. */
	current_arrival_ends();
	at = locate_auxv(bprm);
	/* Where the loader does not serve it, it reads the host's time. */
	if (!current_may_call_clocks(at.word == 4)) {
		if (!first)
			count(TNB_COUNT_EXEC_KEPT);
		return;
	}
	hidden = hide_in(at);
	if (hidden == HIDE_DONE || (hidden == HIDE_ABSENT && first))
		count(TNB_COUNT_EXEC_HIDDEN);
	else if (hidden == HIDE_FAILED && !first)
		count(TNB_COUNT_EXEC_FAILED);
}

SEC("kprobe/finalize_exec")
int BPF_KPROBE(kprobe_finalize_exec, struct linux_binprm *bprm)
{
	hide_vdso(bprm, true);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(tp_sched_process_exec, struct task_struct *task, pid_t old_pid,
	     struct linux_binprm *bprm)
{
	hide_vdso(bprm, false);
	return 0;
}

SEC("lsm/bprm_committed_creds")
int BPF_PROG(lsm_bprm_committed_creds)
{
	current_arrival_ends();
	if (current_is_virtual())
		count(TNB_COUNT_EXEC_BEGUN);
	return 0;
}
