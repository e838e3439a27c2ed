/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "finding.h"

#include "kernel/probe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADVISE_SLOW "clocks are read by system calls: correct, but slower"

void tnb_finding_set(struct tnb_finding *finding, enum tnb_health health,
		     const char *format, ...)
{
	va_list args;

	finding->health = health;
	va_start(args, format);
	if (vasprintf(&finding->text, format, args) < 0)
		finding->text = NULL;
	va_end(args);
}

void tnb_finding_advise(struct tnb_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(&finding->advice, format, args) < 0)
		finding->advice = NULL;
	va_end(args);
}

/* `more` is added to the text, and freed. NULL: out of memory, nothing is. */
static void add_text(struct tnb_finding *finding, char *more)
{
	char *known = finding->text;

	if (known && more) {
		tnb_finding_set(finding, finding->health, "%s; %s", known,
				more);
		free(known);
	}
	free(more);
}

/* A program that looks for such a function in the vDSO does not find it. */
static void add_unknown(const struct tnb_vdso *vdso,
			struct tnb_finding *finding)
{
	struct tnb_finding lacks = { 0 };

	if (!*vdso->unknown)
		return;
	finding->health = TNB_WARN;
	tnb_finding_set(
		&lacks, TNB_WARN,
		"the replacement lacks functions of this kernel's vDSO: %s",
		vdso->unknown);
	add_text(finding, lacks.text);
	if (!finding->advice)
		tnb_finding_advise(
			finding,
			"programs go without them, as on a kernel that has none");
}

void tnb_finding_of_vdso(const struct tnb_vdso *vdso, const char *clock_source,
			 bool served, struct tnb_finding *finding)
{
	if (*vdso->why_raw) {
		tnb_finding_set(
			finding, TNB_WARN,
			"fast path: the replacement vDSO makes system calls here: %s",
			vdso->why_raw);
		tnb_finding_advise(finding, ADVISE_SLOW);
	} else if (!tnb_clock_source_is_read(clock_source)) {
		tnb_finding_set(
			finding, TNB_WARN,
			"fast path: the kernel's clock source is %s, not tsc: the replacement vDSO makes system calls for all but coarse clocks",
			clock_source);
		tnb_finding_advise(finding, ADVISE_SLOW);
	} else if (!served) {
		tnb_finding_set(
			finding, TNB_WARN,
			"fast path: there is one (layout %s), but no loader serves: programs start slow",
			vdso->layout);
		tnb_finding_advise(
			finding,
			"start timensbpfd; 'timensbpf run' serves what it starts by itself");
	} else {
		tnb_finding_set(
			finding, TNB_OK,
			"fast path: programs that start get the replacement vDSO (layout %s)",
			vdso->layout);
	}
	add_unknown(vdso, finding);
}

static char *list_misses(const struct tnb_figure *figures, size_t count)
{
	size_t size, found = 0;
	char *list = NULL;
	FILE *stream = open_memstream(&list, &size);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (figures[i].missed && figures[i].value)
			fprintf(stream, "%s%s %" PRIu64,
				found++ ? ", " : "so far: ", figures[i].name,
				figures[i].value);
	if (!found)
		fputs("none so far", stream);
	fclose(stream);
	return list;
}

void tnb_finding_add_misses(const struct tnb_figure *figures, size_t count,
			    struct tnb_finding *finding)
{
	bool any = false;

	for (size_t i = 0; i < count; i++)
		any |= figures[i].missed && figures[i].value;
	add_text(finding, list_misses(figures, count));
	if (!any)
		return;
	finding->health = TNB_WARN;
	if (!finding->advice)
		tnb_finding_advise(
			finding,
			"what was missed had the HOST's time; 'timensbpf show --figures' tells what it is");
}
