/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "no_calls.h"

#include "base/proc.h"
#include "inject/filter.h"
#include "rules/channel.h"

#include <abi/tables/arch/calls.h>
#include <errno.h>
#include <linux/seccomp.h>

static bool filters_refuse(pid_t tid)
{
	static const struct tnb_filter_call calls[] = {
#define CALL(nr) { .number = (nr) },
		TNB_CLOCK_CALLS(CALL)
#undef CALL
	};
	int err = tnb_filters_allow(tid, calls, sizeof(calls) / sizeof(*calls));

	return err && err != -ESRCH;
}

bool tnb_no_calls_thread(const struct tnb_tracee *tracee)
{
	int mode = tnb_proc_seccomp(tracee->tid);

	if (mode == SECCOMP_MODE_DISABLED || tracee->gone)
		return false;
	return mode != SECCOMP_MODE_FILTER || filters_refuse(tracee->tid);
}

bool tnb_no_calls_any(const struct tnb_threads *threads)
{
	for (size_t i = 0; i < threads->count; i++)
		if (tnb_no_calls_thread(&threads->thread[i]))
			return true;
	return false;
}

int tnb_no_calls_begin(const struct tnb_injector *injector, __u32 slot)
{
	if (*injector->vdso->why_raw)
		return -EPERM;
	if (injector->state)
		tnb_channel_forbid_calls(injector->state, slot);
	return 0;
}
