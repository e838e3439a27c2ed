/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "loader/report/finding.h"
#include <stdlib.h>
#include <string.h>

static struct tnb_vdso vdso;
static struct tnb_finding finding;

static int set_up(void **state)
{
	(void)state;
	memset(&vdso, 0, sizeof(vdso));
	vdso.layout = "vdso_clock";
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

static void test_vdso_served(void **state)
{
	(void)state;
	tnb_finding_of_vdso(&vdso, "tsc", true, &finding);
	assert_int_equal(finding.health, TNB_OK);
	assert_non_null(strstr(finding.text, "layout vdso_clock"));
	assert_null(strstr(finding.text, "lacks"));
	assert_null(finding.advice);
}

static void test_vdso_not_served(void **state)
{
	(void)state;
	tnb_finding_of_vdso(&vdso, "tsc", false, &finding);
	assert_int_equal(finding.health, TNB_WARN);
	assert_non_null(strstr(finding.text, "no loader serves"));
	assert_non_null(strstr(finding.advice, "start timensbpfd"));
}

static void test_vdso_without_tsc(void **state)
{
	(void)state;
	tnb_finding_of_vdso(&vdso, "hpet", true, &finding);
	assert_int_equal(finding.health, TNB_WARN);
	assert_non_null(strstr(finding.text, "is hpet, not tsc"));
	assert_non_null(finding.advice);
}

static void test_vdso_raw(void **state)
{
	(void)state;
	strcpy(vdso.why_raw, "no BTF");
	tnb_finding_of_vdso(&vdso, "tsc", true, &finding);
	assert_int_equal(finding.health, TNB_WARN);
	assert_non_null(strstr(finding.text, "system calls here: no BTF"));
	assert_non_null(finding.advice);
}

static void test_vdso_lacks_functions(void **state)
{
	(void)state;
	strcpy(vdso.unknown, "__vdso_futex __vdso_new");
	tnb_finding_of_vdso(&vdso, "tsc", true, &finding);
	assert_int_equal(finding.health, TNB_WARN);
	assert_non_null(strstr(finding.text, "layout vdso_clock"));
	assert_non_null(strstr(finding.text, "vDSO: __vdso_futex __vdso_new"));
	assert_non_null(strstr(finding.advice, "go without"));
}

/* What has an advice of its own keeps it. */
static void test_vdso_lacks_functions_and_loader(void **state)
{
	(void)state;
	strcpy(vdso.unknown, "__vdso_futex");
	tnb_finding_of_vdso(&vdso, "tsc", false, &finding);
	assert_int_equal(finding.health, TNB_WARN);
	assert_non_null(strstr(finding.text, "no loader serves"));
	assert_non_null(strstr(finding.text, "__vdso_futex"));
	assert_non_null(strstr(finding.advice, "start timensbpfd"));
}

static void add_misses(uint64_t clock, uint64_t exec)
{
	const struct tnb_figure figures[] = {
		{ .name = "read_lost", .value = 7 },
		{ .name = "missed.clock", .value = clock, .missed = true },
		{ .name = "missed.exec", .value = exec, .missed = true },
	};

	tnb_finding_set(&finding, TNB_OK, "misses: rare");
	tnb_finding_add_misses(figures, 3, &finding);
}

static void test_misses_none(void **state)
{
	(void)state;
	add_misses(0, 0);
	assert_int_equal(finding.health, TNB_OK);
	assert_string_equal(finding.text, "misses: rare; none so far");
	assert_null(finding.advice);
}

static void test_misses_counted(void **state)
{
	(void)state;
	add_misses(12345678901, 0);
	assert_int_equal(finding.health, TNB_WARN);
	assert_string_equal(finding.text,
			    "misses: rare; so far: missed.clock 12345678901");
	assert_non_null(finding.advice);
}

static void test_misses_of_several(void **state)
{
	(void)state;
	add_misses(3, 4);
	assert_string_equal(
		finding.text,
		"misses: rare; so far: missed.clock 3, missed.exec 4");
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(vdso_served),
		TEST(vdso_not_served),
		TEST(vdso_without_tsc),
		TEST(vdso_raw),
		TEST(vdso_lacks_functions),
		TEST(vdso_lacks_functions_and_loader),
		TEST(misses_none),
		TEST(misses_counted),
		TEST(misses_of_several),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
