/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "loader/report/doctor.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "loader/report/requirements.h"

static bool is_privileged(const struct tnb_kernel *kernel)
{
	return kernel->privileged;
}

static void assert_finding(const struct tnb_check *check, bool privileged,
			   enum tnb_health health, const char *text,
			   const char *advice)
{
	const struct tnb_kernel kernel = { .privileged = privileged };
	struct tnb_finding finding = { 0 };

	tnb_check_run(check, &kernel, &finding);
	assert_ptr_equal(finding.key, check->key);
	assert_int_equal(finding.group, check->group);
	assert_int_equal(finding.health, health);
	assert_string_equal(finding.text, text);
	if (advice)
		assert_string_equal(finding.advice, advice);
	else
		assert_null(finding.advice);
	free(finding.text);
	free(finding.advice);
}

static void test_row_that_may_hold(void **state)
{
	const struct tnb_check check = {
		.key = "key",
		.group = TNB_GROUP_DOORS,
		.holds = is_privileged,
		.good = "100% well",
		.otherwise = TNB_WARN,
		.bad = "not so",
		.advice = "mend it",
	};

	(void)state;
	assert_finding(&check, true, TNB_OK, "100% well", NULL);
	assert_finding(&check, false, TNB_WARN, "not so", "mend it");
}

static void test_row_that_never_holds(void **state)
{
	const struct tnb_check check = {
		.key = "key",
		.group = TNB_GROUP_LIMITS,
		.otherwise = TNB_NOTE,
		.bad = "never",
		.advice = "do without",
	};

	(void)state;
	assert_finding(&check, true, TNB_NOTE, "never", "do without");
}

/* Whatever this machine is: in order, complete, with advice where it helps. */
static void test_table(void **state)
{
	struct tnb_finding *findings;
	int count = tnb_doctor_examine(&findings, 0);

	(void)state;
	assert_true(count > (int)tnb_requirement_count);
	for (int i = 0; i < count; i++) {
		assert_non_null(findings[i].key);
		assert_non_null(findings[i].text);
		assert_true(findings[i].health == TNB_OK || findings[i].advice);
		if (i)
			assert_true(findings[i].group >= findings[i - 1].group);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(findings[i].key,
						findings[j].key);
	}
	tnb_findings_free(&findings, (size_t)count);
	assert_null(findings);
}

static void test_requirements(void **state)
{
	struct tnb_kernel kernel = { 0 };

	(void)state;
	assert_int_equal(tnb_requirements_check(&kernel), -EPERM);
	assert_non_null(strstr(tnb_error_message(), "run as root"));
	kernel.privileged = true;
	assert_int_equal(tnb_requirements_check(&kernel), -EOPNOTSUPP);
	kernel.btf = true;
	assert_int_equal(tnb_requirements_check(&kernel), -ENODEV);
	kernel.bpffs = true;
	strcpy(kernel.cgroup2, "/sys/fs/cgroup");
	kernel.bpf_lsm = true;
	kernel.bpf_in_lsm_list = TNB_YES;
	assert_int_equal(tnb_requirements_check(&kernel), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row_that_may_hold),
		cmocka_unit_test(test_row_that_never_holds),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_requirements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
