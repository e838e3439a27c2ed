/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the clock through every door (A of docs/surface.md), each reading
 * between two of a reference outside.
 *
 * A line a door:
 *   NAME VALUE RETURNED FAMILY UNIT BEFORE AFTER WANTED
 * VALUE, BEFORE and AFTER are SECONDS.NANOSECONDS; FAMILY tells which clock of
 * the rule moves this door ("cpu": none may); UNIT is how many nanoseconds the
 * door cuts its value to; WANTED is what it must return, "value" for those
 * that return the time itself. A door that is not there prints "NAME absent".
 * Lines "works-…" are calls that must answer as they do outside.
 */
#ifndef TIMENSBPF_TESTS_PROBES_DOORS_H
#define TIMENSBPF_TESTS_PROBES_DOORS_H

enum door_set {
	DOORS_QUICK, /* the three clocks, raw and by the C library */
	DOORS_ALL,
};

/* Call first. `reference_path`: socket of clock_reference. */
void doors_begin(const char *reference_path, char **environ_at_start);

/* Read, without stdio or allocation if `set` is DOORS_QUICK: also for the child
 * of a vfork, whose readings the parent prints. */
void doors_collect(enum door_set set);

/* Print what was collected, names preceded by "PREFIX/" unless NULL. */
void doors_print(const char *prefix);

#endif
