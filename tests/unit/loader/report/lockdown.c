/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "loader/report/lockdown.h"
#include <stdlib.h>
#include <string.h>

static struct tnb_kernel kernel;
static struct tnb_finding finding;

static int set_up(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.lockdown = TNB_LOCKDOWN_INTEGRITY;
	kernel.bpf_lsm = true;
	kernel.bpf_in_lsm_list = TNB_YES;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(finding.text);
	free(finding.advice);
	memset(&finding, 0, sizeof(finding));
	return 0;
}

static void assert_lockdown(const char *lacks, enum tnb_health health,
			    const char *text)
{
	tnb_lockdown_finding(&kernel, lacks, &finding);
	assert_int_equal(finding.health, health);
	assert_non_null(strstr(finding.text, text));
	assert_int_equal(health == TNB_OK, !finding.advice);
}

static void test_not_in_force(void **state)
{
	(void)state;
	kernel.lockdown = TNB_LOCKDOWN_NONE;
	assert_lockdown(NULL, TNB_OK, "not in force");
}

static void test_integrity(void **state)
{
	(void)state;
	assert_lockdown(NULL, TNB_WARN, "integrity");
}

static void test_confidentiality(void **state)
{
	(void)state;
	kernel.lockdown = TNB_LOCKDOWN_CONFIDENTIALITY;
	assert_lockdown(NULL, TNB_FAIL, "confidentiality");
}

static void test_image_makes_system_calls(void **state)
{
	(void)state;
	assert_lockdown("it lacks a counter", TNB_FAIL, "lacks a counter");
}

static void test_no_lsm(void **state)
{
	(void)state;
	kernel.bpf_in_lsm_list = TNB_NO;
	assert_lockdown(NULL, TNB_FAIL, "LSM list");
}

static void test_no_tracing(void **state)
{
	(void)state;
	kernel.forbids_tracing = true;
	assert_lockdown(NULL, TNB_FAIL, "yama");
}

static void test_doors_are_replaced(void **state)
{
	(void)state;
	assert_true(tnb_lockdown_replaces(&kernel, "waits", &finding));
	assert_int_equal(finding.health, TNB_WARN);
	assert_non_null(strstr(finding.text, "HOST"));
	assert_non_null(finding.advice);
}

static void test_others_stay(void **state)
{
	(void)state;
	assert_false(tnb_lockdown_replaces(&kernel, "bpffs", &finding));
	kernel.lockdown = TNB_LOCKDOWN_NONE;
	assert_false(tnb_lockdown_replaces(&kernel, "waits", &finding));
	assert_null(finding.text);
}

/* Those behind the last are none, either. */
static void test_gaps_end(void **state)
{
	size_t count = 0;

	(void)state;
	while (tnb_lockdown_gap(count))
		count++;
	assert_true(count >= 4);
	assert_null(tnb_lockdown_gap(count + 1));
}

#define UNIT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_not_in_force),
		UNIT_TEST(test_integrity),
		UNIT_TEST(test_confidentiality),
		UNIT_TEST(test_image_makes_system_calls),
		UNIT_TEST(test_no_lsm),
		UNIT_TEST(test_no_tracing),
		UNIT_TEST(test_doors_are_replaced),
		UNIT_TEST(test_others_stay),
		UNIT_TEST(test_gaps_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
