/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "loader/kernel/plan.h"
#include "loader/base/error.h"
#include <errno.h>

static struct tnb_kernel kernel;
static struct tnb_plan plan;

static int set_up(void **state)
{
	(void)state;
	kernel = (struct tnb_kernel){
		.preemption = TNB_PREEMPT_VOLUNTARY,
		.bpf_lsm = true,
		.bpf_in_lsm_list = TNB_YES,
	};
	for (int i = 0; i < TNB_DOOR_MAX; i++)
		kernel.door[i] = true;
	for (int i = 0; i < TNB_COPY_MAX; i++)
		kernel.copy[i] = true;
	return 0;
}

static bool wants(const char *name)
{
	const struct tnb_program *row = tnb_catalogue_program(name);

	assert_non_null(row);
	return tnb_plan_wants_program(&plan, row);
}

static void test_reads_by_preemption(void **state)
{
	(void)state;
	assert_int_equal(tnb_plan_choose(&kernel, TNB_ATTACH_AUTO, &plan), 0);
	assert_int_equal(plan.read, TNB_ATTACH_FEXIT);
	assert_true(wants("fexit_x64_clock_gettime"));
	assert_true(wants("tp_sched_process_exec"));
	assert_false(wants("lsm_exec_shown"));
	kernel.preemption = TNB_PREEMPT_FULL;
	assert_int_equal(tnb_plan_choose(&kernel, TNB_ATTACH_AUTO, &plan), 0);
	assert_int_equal(plan.read, TNB_ATTACH_KRETPROBE);
	kernel.session = true;
	assert_int_equal(tnb_plan_choose(&kernel, TNB_ATTACH_AUTO, &plan), 0);
	assert_int_equal(plan.read, TNB_ATTACH_SESSION);
}

static void test_nothing_writes_under_lockdown(void **state)
{
	int wanted = 0;

	(void)state;
	kernel.lockdown = TNB_LOCKDOWN_INTEGRITY;
	for (int i = 0; i < TNB_TIME_DOOR_MAX; i++)
		kernel.time_door_modify[i] = true;
	assert_int_equal(tnb_plan_choose(&kernel, TNB_ATTACH_AUTO, &plan), 0);
	assert_int_equal(plan.read, TNB_ATTACH_NONE);
	for (const struct tnb_program *row = tnb_programs; row->name; row++) {
		if (!tnb_plan_wants_program(&plan, row))
			continue;
		wanted++;
		assert_false(row->flags & TNB_WRITES);
		assert_true(row->at == TNB_AT_HOOK);
	}
	assert_true(wanted > 10);
	assert_true(wants("lsm_exec_shown"));
	assert_true(wants("lsm_settime"));
	assert_false(wants("lsm_task_alloc"));
}

static void test_no_other_way_under_lockdown(void **state)
{
	(void)state;
	assert_int_equal(tnb_plan_choose(&kernel, TNB_ATTACH_NONE, &plan),
			 -EOPNOTSUPP);
	kernel.lockdown = TNB_LOCKDOWN_INTEGRITY;
	assert_int_equal(tnb_plan_choose(&kernel, TNB_ATTACH_FEXIT, &plan),
			 -EOPNOTSUPP);
	assert_int_equal(tnb_plan_choose(&kernel, TNB_ATTACH_NONE, &plan), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_reads_by_preemption, set_up),
		cmocka_unit_test_setup(test_nothing_writes_under_lockdown,
				       set_up),
		cmocka_unit_test_setup(test_no_other_way_under_lockdown,
				       set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
