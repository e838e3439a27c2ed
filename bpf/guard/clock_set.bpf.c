/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door D: processes under a rule cannot set the host's clock, whatever their
 * privileges.
 *
 * The hook settime guards clock_settime, settimeofday and stime. All other
 * calls that move the clock check only CAP_SYS_TIME: adjtimex, clock_adjtime,
 * the auxiliary clocks and /dev/rtc.
 *
 * The kernel never skips BPF LSM programs. If `bpf` is not in its LSM list,
 * fmod_ret programs on the functions that call the hooks stand in.
 */
#include "lib/errno.bpf.h"
#include "lib/lookup.bpf.h"
#include "lib/syscall_args.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <abi/tables/arch/calls.h>

char _license[] SEC("license") = "GPL";

extern const void proc_timens_offsets_operations __ksym __weak;

#define TNB_CAP_SYS_TIME 25

static __always_inline int deny_if_virtual(void)
{
	if (!current_is_virtual())
		return 0;
	count(TNB_COUNT_SET_DENIED);
	return -TNB_EPERM;
}

/* Is the current system call a write(2) to /proc/PID/timens_offsets? */
static __always_inline bool writes_timens_offsets(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = current_user_regs();
	/* A 32-bit system call has other numbers. */
	bool compat = current_call_is_compat();
	__u32 fd = syscall_arg(regs, compat, 0);
	struct file **table = BPF_CORE_READ(task, files, fdt, fd);
	struct file *file = NULL;

	if (syscall_number(regs) !=
	    (compat ? TNB_NR_TIME32(write) : TNB_NR(write)))
		return false;
	bpf_probe_read_kernel(&file, sizeof(file), table + fd);
	return &proc_timens_offsets_operations &&
	       BPF_CORE_READ(file, f_op) == &proc_timens_offsets_operations;
}

/*
 * Time namespaces check the capability too, but move only their own clocks.
 * They check it in the user namespace that owns them, which for root is the
 * initial one. All other checks are made in the initial one.
 *
 * A thread could exchange the file during another thread's write, and so reach
 * what else write(2) can change with this capability. These are the switches in
 * /sys/kernel/time/aux_clocks, and no clock.
 */
static __always_inline bool is_time_namespace(struct user_namespace *ns)
{
	return BPF_CORE_READ(ns, level) > 0 || writes_timens_offsets();
}

static __always_inline int guard_capability(struct user_namespace *ns, int cap)
{
	if (cap != TNB_CAP_SYS_TIME || !current_is_virtual() ||
	    is_time_namespace(ns))
		return 0;
	return deny_if_virtual();
}

SEC("lsm/settime")
int BPF_PROG(lsm_settime)
{
	return deny_if_virtual();
}

SEC("lsm/capable")
int BPF_PROG(lsm_capable, const struct cred *cred, struct user_namespace *ns,
	     int cap)
{
	return guard_capability(ns, cap);
}

SEC("fmod_ret/security_settime64")
int BPF_PROG(fmod_ret_settime)
{
	return deny_if_virtual();
}

SEC("fmod_ret/security_capable")
int BPF_PROG(fmod_ret_capable, const struct cred *cred,
	     struct user_namespace *ns, int cap)
{
	return guard_capability(ns, cap);
}
