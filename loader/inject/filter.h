/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the seccomp filters of a thread say of a system call, before it makes
 * the call. They are never suspended: what they refuse is not done.
 */
#ifndef TIMENSBPF_LOADER_INJECT_FILTER_H
#define TIMENSBPF_LOADER_INJECT_FILTER_H

#include <linux/filter.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <timensbpf/timensbpf.h>

#define TNB_FILTER_ARGUMENTS 6

struct tnb_filter_call {
	__u32 number; /* SYS_…, or of 32-bit code */
	/* Which of the arguments are known, a bit each: pointers and file
	 * descriptors are not, and what the call ignores is not, either. */
	__u32 known;
	__u64 argument[TNB_FILTER_ARGUMENTS];
	bool narrow; /* 32-bit code makes it */
};

/* Whether a filter lets the call be made, whatever is in the arguments that are
 * not known. Only what is certain counts; a call that is logged is made. */
bool tnb_filter_allows(const struct sock_filter *code, size_t count,
		       const struct tnb_filter_call *call);

/*
 * Whether all filters of a stopped thread, which the caller traces, let all
 * these calls be made. 0; -EPERM one may not; -EINVAL there is none, or the
 * kernel has no CONFIG_CHECKPOINT_RESTORE and does not give them out; -EACCES
 * not to this caller, which has filters itself; -ENOMEM.
 */
TNB_MUST_CHECK int
tnb_filters_allow(pid_t tid, const struct tnb_filter_call *calls, size_t count);

#endif
