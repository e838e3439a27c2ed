/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach.h"

#include "attach_link.h"
#include "bpf_map.h"
#include "pins.h"

#include "base/test_hooks.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>

/* A set of programs that is being attached. */
struct attach {
	const struct tnb_objects *objects;
	const struct tnb_plan *plan;
	bool replace;
};

/* ---- Links of one row ---------------------------------------------------- */

typedef int (*visit_link)(const struct tnb_bpf_link *link, void *context);

/* Call back for each link of a program: one, none, or one for each point. */
static int for_each_link(const struct tnb_plan *plan,
			 const struct tnb_program *row, visit_link visit,
			 void *context)
{
	struct tnb_point points[TNB_POINTS_MAX];
	struct tnb_bpf_link link = { .row = row };
	size_t count;
	int err = 0;

	if (row->by == TNB_BY_RUN || row->by == TNB_BY_ARRAY)
		return 0;
	snprintf(link.name, sizeof(link.name), "%s", row->name);
	if (row->by != TNB_BY_PROBE && row->by != TNB_BY_RETURN)
		return visit(&link, context);
	count = tnb_plan_points(plan, row->at, points);
	for (size_t i = 0; !err && i < count; i++) {
		snprintf(link.name, sizeof(link.name), "%s_%s", row->name,
			 points[i].name);
		link.point = &points[i];
		err = visit(&link, context);
	}
	return err;
}

static int attach_to_all(struct bpf_program *program,
			 const struct tnb_bpf_link *link,
			 const struct tnb_plan *plan)
{
	struct tnb_point points[TNB_POINTS_MAX];
	size_t count = tnb_plan_points(plan, link->row->at, points);

	return tnb_attach_by_session(program, link, points, count);
}

/* context: const struct attach * */
static int attach_link(const struct tnb_bpf_link *link, void *context)
{
	const struct attach *attach = context;
	struct bpf_program *program =
		tnb_objects_program(attach->objects, link->row->name);

	if (!program)
		return tnb_fail(-ENOENT, "no object has the program %s",
				link->row->name);
	switch (link->row->by) {
	case TNB_BY_SESSION:
		return attach_to_all(program, link, attach->plan);
	case TNB_BY_PROBE:
	case TNB_BY_RETURN:
		return tnb_attach_by_probe(program, link);
	default:
		return tnb_attach_by_section(program, link);
	}
}

/* ---- Taking over --------------------------------------------------------- */

static int keep_pin(const char *kind, const char *name)
{
	_cleanup_close_
	int fd = tnb_pins_get(kind, name);

	if (fd < 0)
		return tnb_fail(
			fd,
			"cannot take over %s/%s/%s: %s; end all rules, run 'timensbpf unload', then load again",
			TNB_PINS, kind, name, strerror(-fd));
	return tnb_pins_add(TNB_PINS_NEW, kind, name, fd);
}

static int keep_link(const struct tnb_bpf_link *link, void *context)
{
	(void)context;
	return keep_pin("links", link->name);
}

static int keep_program(const struct tnb_program *row,
			const struct tnb_plan *plan)
{
	int err = keep_pin("progs", row->name);

	return err ? err : for_each_link(plan, row, keep_link, NULL);
}

/* ---- All of them --------------------------------------------------------- */

static int attach_at(struct attach *attach, enum tnb_at at)
{
	int err = 0;

	for (const struct tnb_program *row = tnb_programs; !err && row->name;
	     row++) {
		if (row->at != at || !tnb_plan_wants_program(attach->plan, row))
			continue;
		if (attach->replace && row->flags & TNB_KEPT)
			err = keep_program(row, attach->plan);
		else
			err = for_each_link(attach->plan, row, attach_link,
					    attach);
	}
	return err;
}

/*
 * All but the kept programs stand twice while one version takes over from
 * another. Hiding, denying and inheriting a second time changes nothing; a
 * fork is marked once (bpf/wait/deadline_fork.bpf.c); the second program at a
 * deadline finds the record of the first (bpf/wait/deadline_fentry.bpf.c); and
 * of two fmod_ret programs only the first that answers runs.
 */
int tnb_attach_all(const struct tnb_objects *objects,
		   const struct tnb_plan *plan, bool replace)
{
	struct attach attach = { objects, plan, replace };
	int err = 0;

	for (int at = 0; !err && at < TNB_AT_MAX; at++) {
		err = attach_at(&attach, (enum tnb_at)at);
		tnb_step();
	}
	return err;
}

int tnb_attach_workers(const struct tnb_objects *objects,
		       const struct tnb_plan *plan)
{
	const __u32 key = 0;
	int count = 0;

	for (const struct tnb_map *row = tnb_maps; row->name; row++) {
		int array, worker;

		if (!row->worker || !tnb_plan_wants(plan, &row->wanted))
			continue;
		array = tnb_objects_map_fd(objects, row->name);
		worker = bpf_program__fd(
			tnb_objects_program(objects, row->worker));
		/* Between the first door and the second. */
		if (count++ == 1)
			tnb_step();
		if (tnb_bpf_map_update(array, &key, &worker))
			return tnb_fail(-errno, "cannot install %s: %s",
					row->worker, strerror(errno));
	}
	return 0;
}
