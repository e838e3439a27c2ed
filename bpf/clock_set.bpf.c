/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Door D in its protective form: from a virtual cgroup the host's clock cannot
 * be set, with whatever privilege.
 *
 * settime guards clock_settime, settimeofday and stime. Everything else that
 * moves the clock asks for CAP_SYS_TIME only: adjtimex, clock_adjtime, the
 * auxiliary clocks, /dev/rtc.
 *
 * BPF LSM programs are never skipped; fmod_ret on the functions behind the
 * hooks stands in where `bpf` is not in the kernel's LSM list.
 */
#include "lookup.bpf.h"
#include "syscall_args.bpf.h"

#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#define TNB_EPERM 1
#define TNB_CAP_SYS_TIME 25

static __always_inline int deny_if_virtual(void)
{
	if (!current_is_virtual())
		return 0;
	count(TNB_COUNT_SET_DENIED);
	return -TNB_EPERM;
}

/*
 * Writing /proc/PID/timens_offsets asks for CAP_SYS_TIME too, but moves only
 * the clocks of a new time namespace. It is the one user of the capability
 * that is reached by write(2) (proc_timens_set_offset), and no way to set the
 * host's clock is.
 */
static __always_inline bool is_write(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	/* A 32-bit system call (TS_COMPAT) has other numbers. */
	return task->thread_info.status & 2 ? regs->orig_ax == 4
					    : regs->orig_ax == 1;
}

static __always_inline int guard_capability(int cap)
{
	if (cap != TNB_CAP_SYS_TIME)
		return 0;
	return is_write() ? 0 : deny_if_virtual();
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
	return guard_capability(cap);
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
	return guard_capability(cap);
}
