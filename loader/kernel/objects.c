/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "objects.h"

#include "attach_session.h"
#include "bpf_map.h"
#include "pins.h"

#include "base/test_hooks.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/random.h>

#include "session.skel.h"
#include "session_ctx.skel.h"
#include "timensbpf.skel.h"

/* ---- Opening ------------------------------------------------------------- */

/* For tests: deadline programs miss every so many ways out. */
static void set_misses(__u32 *miss_one_in)
{
	const char *wanted = tnb_test_value("TIMENSBPF_TEST_MISS_ONE_IN");

	if (wanted)
		*miss_one_in = (__u32)strtoul(wanted, NULL, 10);
}

/* Never 0: pages that were not written yet have that number. */
static int choose_load_number(const volatile __u64 *number)
{
	__u64 *to = (__u64 *)(uintptr_t)number;

	do {
		if (getrandom(to, sizeof(*to), 0) != sizeof(*to))
			return -EIO;
	} while (!*to);
	return 0;
}

static int open_main(struct tnb_objects *objects, const struct tnb_plan *plan)
{
	struct timensbpf_bpf *skel = timensbpf_bpf__open();

	if (!skel)
		return -errno;
	objects->main = skel;
	objects->all[objects->count++] = skel->obj;
	set_misses(&skel->rodata->miss_one_in);
	skel->rodata->calls_are_hosts = plan->read == TNB_ATTACH_NONE;
	return choose_load_number(&skel->rodata->load_number);
}

static int open_session(struct tnb_objects *objects)
{
	objects->session = session_bpf__open();
	if (!objects->session)
		return -errno;
	objects->all[objects->count++] = objects->session->obj;
	set_misses(&objects->session->rodata->miss_one_in);
	return 0;
}

static int open_session_ctx(struct tnb_objects *objects)
{
	objects->session_ctx = session_ctx_bpf__open();
	if (!objects->session_ctx)
		return -errno;
	objects->all[objects->count++] = objects->session_ctx->obj;
	set_misses(&objects->session_ctx->rodata->miss_one_in);
	return 0;
}

static int open_objects(struct tnb_objects *objects,
			const struct tnb_plan *plan)
{
	int err = open_main(objects, plan);

	if (err || plan->read != TNB_ATTACH_SESSION)
		return err;
	return plan->session_takes_ctx ? open_session_ctx(objects)
				       : open_session(objects);
}

void tnb_objects_close(struct tnb_objects *objects)
{
	timensbpf_bpf__destroy(objects->main);
	session_bpf__destroy(objects->session);
	session_ctx_bpf__destroy(objects->session_ctx);
}

/* ---- Finding ------------------------------------------------------------- */

struct bpf_program *tnb_objects_program(const struct tnb_objects *objects,
					const char *name)
{
	struct bpf_program *found = NULL;

	for (size_t i = 0; !found && i < objects->count; i++)
		found = bpf_object__find_program_by_name(objects->all[i], name);
	return found;
}

int tnb_objects_map_fd(const struct tnb_objects *objects, const char *name)
{
	int fd = -ENOENT;

	for (size_t i = 0; fd < 0 && i < objects->count; i++)
		fd = bpf_object__find_map_fd_by_name(objects->all[i], name);
	return fd;
}

/* ---- Selecting ----------------------------------------------------------- */

/* A program without a row is not loaded: the unit test of the catalogue fails
 * on it. */
static void select_program(struct bpf_program *program,
			   const struct tnb_plan *plan, bool replace)
{
	const struct tnb_program *row =
		tnb_catalogue_program(bpf_program__name(program));
	bool wanted = row && tnb_plan_wants_program(plan, row) &&
		      !(replace && row->flags & TNB_KEPT);

	bpf_program__set_autoload(program, wanted);
	/* libbpf 1.1 has no section name for it. */
	if (row && row->wanted.when == TNB_IF_SESSION)
		bpf_program__set_expected_attach_type(
			program, TNB_BPF_TRACE_KPROBE_SESSION);
}

/* A map that the loaded version did not have yet is made anew. */
static int take_over(struct bpf_map *map, const char *name)
{
	_cleanup_close_
	int fd = tnb_pins_get("maps", name);

	if (fd == -ENOENT)
		return 0;
	return fd < 0 ? fd : bpf_map__reuse_fd(map, fd);
}

static struct bpf_map *shared_map(const struct tnb_objects *objects,
				  const struct bpf_object *object,
				  const char *name)
{
	return object == objects->all[0]
		       ? NULL
		       : bpf_object__find_map_by_name(objects->all[0], name);
}

/* A map that the first object has too is that one: the first is loaded. */
static int select_map(const struct tnb_objects *objects,
		      const struct bpf_object *object, struct bpf_map *map,
		      const struct tnb_plan *plan, bool replace)
{
	const char *name = bpf_map__name(map);
	const struct tnb_map *row = tnb_catalogue_map(name);
	const struct bpf_map *shared = shared_map(objects, object, name);

	if (!row || bpf_map__is_internal(map))
		return 0;
	if (shared)
		return bpf_map__reuse_fd(map, bpf_map__fd(shared));
	if (!tnb_plan_wants(plan, &row->wanted))
		return bpf_map__set_autocreate(map, false);
	return replace && row->flags & TNB_KEPT ? take_over(map, name) : 0;
}

/* ---- Loading ------------------------------------------------------------- */

static int load_object(const struct tnb_objects *objects,
		       struct bpf_object *object, const struct tnb_plan *plan,
		       bool replace)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_program (program, object)
		select_program(program, plan, replace);
	bpf_object__for_each_map (map, object)
		if (!err)
			err = select_map(objects, object, map, plan, replace);
	/* libbpf would fill the global data with an ordinary priority
	 * (bpf_map.h). */
	if (!err)
		err = tnb_bpf_map_make_data(object);
	return err ? err : bpf_object__load(object);
}

static int load_objects(const struct tnb_objects *objects,
			const struct tnb_plan *plan, bool replace)
{
	int err = load_object(objects, objects->all[0], plan, replace);

	tnb_step();
	for (size_t i = 1; !err && i < objects->count; i++)
		err = load_object(objects, objects->all[i], plan, replace);
	return err;
}

int tnb_objects_load(struct tnb_objects *objects, const struct tnb_plan *plan,
		     bool replace)
{
	int err;

	*objects = (struct tnb_objects){ .main = NULL };
	err = open_objects(objects, plan);
	if (!err)
		err = load_objects(objects, plan, replace);
	if (err)
		return tnb_fail(
			err,
			"the kernel did not take the programs: %s; 'timensbpf doctor' tells what is missing, TIMENSBPF_DEBUG=1 shows the verifier's words",
			strerror(-err));
	return 0;
}

/* ---- Pinning ------------------------------------------------------------- */

static int pin_programs(struct bpf_object *object)
{
	struct bpf_program *program;
	int err = 0;

	bpf_object__for_each_program (program, object)
		if (!err && bpf_program__autoload(program))
			err = tnb_pins_add(TNB_PINS_NEW, "progs",
					   bpf_program__name(program),
					   bpf_program__fd(program));
	return err;
}

static int pin_maps(const struct tnb_objects *objects,
		    struct bpf_object *object)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map (map, object) {
		const char *name = bpf_map__name(map);

		if (!err && bpf_map__autocreate(map) &&
		    tnb_catalogue_map(name) &&
		    !shared_map(objects, object, name))
			err = tnb_pins_add(TNB_PINS_NEW, "maps", name,
					   bpf_map__fd(map));
	}
	return err;
}

int tnb_objects_pin(const struct tnb_objects *objects)
{
	int err = 0;

	for (size_t i = 0; !err && i < objects->count; i++) {
		err = pin_programs(objects->all[i]);
		if (!err)
			err = pin_maps(objects, objects->all[i]);
	}
	return err;
}
