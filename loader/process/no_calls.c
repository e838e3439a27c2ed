/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "no_calls.h"

#include "base/proc.h"
#include "inject/filter.h"
#include "rules/channel.h"

#include <abi/tables/arch/calls.h>
#include <errno.h>
#include <linux/seccomp.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static bool filters_refuse(pid_t tid, bool narrow)
{
	static const struct tnb_filter_call wide_calls[] = {
#define CALL(nr) { .number = (nr) },
		TNB_CLOCK_CALLS(CALL)
#undef CALL
	};
	static const struct tnb_filter_call narrow_calls[] = {
#define CALL(nr) { .number = (nr), .narrow = true },
		TNB_CLOCK_CALLS_32(CALL)
#undef CALL
	};
	int err = narrow ? tnb_filters_allow(tid, narrow_calls,
					     COUNT_OF(narrow_calls))
			 : tnb_filters_allow(tid, wide_calls,
					     COUNT_OF(wide_calls));

	return err && err != -ESRCH;
}

bool tnb_no_calls_thread(const struct tnb_tracee *tracee, bool narrow)
{
	int mode = tnb_proc_seccomp(tracee->tid);

	if (mode == SECCOMP_MODE_DISABLED || tracee->gone)
		return false;
	return mode != SECCOMP_MODE_FILTER ||
	       filters_refuse(tracee->tid, narrow);
}

bool tnb_no_calls_any(const struct tnb_threads *threads, bool narrow)
{
	for (size_t i = 0; i < threads->count; i++)
		if (tnb_no_calls_thread(&threads->thread[i], narrow))
			return true;
	return false;
}

int tnb_no_calls_begin(const struct tnb_injector *injector, __u32 slot)
{
	if (*injector->vdsos->wide.why_raw)
		return -EPERM;
	if (injector->state)
		tnb_channel_forbid_calls(injector->state, slot);
	return 0;
}
