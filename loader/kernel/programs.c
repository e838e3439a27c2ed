/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bpf_map.h"
#include "programs.h"

#include "base/cleanup.h"
#include "deadline_programs.h"
#include "base/error.h"
#include "base/test_hooks.h"
#include "links.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/random.h>
#include <abi/page.h>

#include "session.skel.h"
#include "session_ctx.skel.h"
#include "timensbpf.skel.h"

/* ---- The choice ---------------------------------------------------------- */

/*
 * fexit is the cheapest, and blind on a preemptible kernel: a task preempted
 * inside the program makes it pass all others of the CPU by. Probes run with
 * preemption off. docs/kernels.md has the figures.
 */
static enum tnb_read_attach choose_read(const struct tnb_kernel *kernel)
{
	if (!tnb_kernel_is_preemptible(kernel))
		return TNB_ATTACH_FEXIT;
	return kernel->session ? TNB_ATTACH_SESSION : TNB_ATTACH_KRETPROBE;
}

int tnb_programs_plan(const struct tnb_kernel *kernel,
		      enum tnb_read_attach attach, struct tnb_plan *plan)
{
	struct tnb_plan chosen = { .read = attach };

	if (attach == TNB_ATTACH_AUTO)
		chosen.read = choose_read(kernel);
	if (chosen.read == TNB_ATTACH_SESSION && !kernel->session)
		return tnb_fail(
			-EOPNOTSUPP,
			"kernel %s has no kprobe sessions (6.10 and later have): use --attach auto",
			kernel->release);
	chosen.lsm = kernel->bpf_lsm && kernel->bpf_in_lsm_list != TNB_NO;
	for (int i = 0; i < TNB_TIME_DOOR_MAX; i++)
		chosen.time_copies[i] = !kernel->time_door_modify[i] ? 0
					: tnb_kernel_is_preemptible(kernel)
						? TNB_TIME_COPIES
						: 1;
	*plan = chosen;
	return 0;
}

const char *tnb_attach_name(enum tnb_read_attach attach)
{
	static const char *const names[] = {
		[TNB_ATTACH_AUTO] = "auto",
		[TNB_ATTACH_FEXIT] = "fexit",
		[TNB_ATTACH_SESSION] = "session",
		[TNB_ATTACH_KRETPROBE] = "kretprobe",
	};

	return names[attach];
}

/* ---- What is loaded, what is attached ------------------------------------ */

/* Programs of the two kinds of door, see bpf/read/clock_read_fexit.bpf.c. */
struct door_program {
	const char *stub;   /* attached; never changes */
	const char *worker; /* what it sends the virtual on to */
	const char *array;  /* through this one */
	const char *function;
	enum tnb_read_attach attach;
	int door; /* of TNB_READ_DOORS, -1: all of them */
};

#define FEXIT_ROW(name, function, worker, layout)          \
	{ "fexit_" #name, "read_" #name,    "door_" #name, \
	  #function,	  TNB_ATTACH_FEXIT, TNB_DOOR_##name },

static const struct door_program door_programs[] = {
	TNB_READ_DOORS(FEXIT_ROW){ "kretprobe_clock", "read_kretprobe",
				   "door_kretprobe", NULL, TNB_ATTACH_KRETPROBE,
				   -1 },
	{ "session_clock", "read_session", "door_session", NULL,
	  TNB_ATTACH_SESSION, -1 },
};
#define DOOR_PROGRAMS (sizeof(door_programs) / sizeof(*door_programs))

static bool door_is_wanted(const struct door_program *row,
			   const struct tnb_kernel *kernel,
			   const struct tnb_plan *plan)
{
	return row->attach == plan->read &&
	       (row->door < 0 || kernel->door[row->door]);
}

static bool starts_with(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* Whether the plan wants a program that is no door program. */
static bool program_is_wanted(const char *name, const struct tnb_plan *plan)
{
	int copy;

	if (sscanf(name, "fmod_ret_x64_time_%d", &copy) == 1)
		return copy < plan->time_copies[TNB_TIME_X64];
	if (sscanf(name, "fmod_ret_ia32_time32_%d", &copy) == 1)
		return copy < plan->time_copies[TNB_TIME_IA32];
	if (starts_with(name, "fmod_ret_"))
		return !plan->lsm;
	if (starts_with(name, "lsm_"))
		return plan->lsm;
	return true;
}

static const struct door_program *door_program_of(const char *name)
{
	for (size_t i = 0; i < DOOR_PROGRAMS; i++)
		if (!strcmp(name, door_programs[i].stub) ||
		    !strcmp(name, door_programs[i].worker))
			return &door_programs[i];
	return NULL;
}

struct install {
	const struct tnb_kernel *kernel;
	const struct tnb_plan *plan;
	bool replace;
	struct timensbpf_bpf *main;
	struct bpf_object *session; /* NULL unless the plan wants it */
	struct session_bpf *session_skel;
	struct session_ctx_bpf *session_ctx_skel;
};

/* In an upgrade the stubs stay those that are attached. */
static bool door_program_is_wanted(const struct door_program *row,
				   const char *name,
				   const struct install *install)
{
	return door_is_wanted(row, install->kernel, install->plan) &&
	       !(install->replace && !strcmp(name, row->stub));
}

static void select_programs(struct bpf_object *object,
			    const struct install *install)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, object) {
		const char *name = bpf_program__name(program);
		const struct door_program *row = door_program_of(name);

		bpf_program__set_autoload(
			program,
			row ? door_program_is_wanted(row, name, install)
			    : program_is_wanted(name, install->plan) &&
					tnb_deadline_is_wanted(name,
							       install->kernel,
							       install->plan));
		if (object == install->session)
			bpf_program__set_expected_attach_type(
				program, TNB_BPF_TRACE_KPROBE_SESSION);
	}
}

static void select_arrays(struct bpf_object *object,
			  const struct tnb_kernel *kernel,
			  const struct tnb_plan *plan)
{
	for (size_t i = 0; i < DOOR_PROGRAMS; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(
			object, door_programs[i].array);

		if (map)
			bpf_map__set_autocreate(
				map, door_is_wanted(&door_programs[i], kernel,
						    plan));
	}
}

/* ---- Objects ------------------------------------------------------------- */

/* For tests: deadline programs miss every so many ways out. */
static void set_misses(__u32 *miss_one_in)
{
	const char *wanted = tnb_test_value("TIMENSBPF_TEST_MISS_ONE_IN");

	if (wanted)
		*miss_one_in = (__u32)strtoul(wanted, NULL, 10);
}

static int open_session(struct install *install)
{
	if (install->kernel->session_takes_ctx) {
		struct session_ctx_bpf *skel = session_ctx_bpf__open();

		if (!skel)
			return -errno;
		install->session_ctx_skel = skel;
		install->session = skel->obj;
		set_misses(&skel->rodata->miss_one_in);
	} else {
		struct session_bpf *skel = session_bpf__open();

		if (!skel)
			return -errno;
		install->session_skel = skel;
		install->session = skel->obj;
		set_misses(&skel->rodata->miss_one_in);
	}
	return 0;
}

static void close_objects(struct install *install)
{
	timensbpf_bpf__destroy(install->main);
	session_bpf__destroy(install->session_skel);
	session_ctx_bpf__destroy(install->session_ctx_skel);
}

static int reuse_pinned(struct bpf_object *object, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	_cleanup_close_
	int fd = -1;

	if (!map || !bpf_map__autocreate(map))
		return 0;
	fd = tnb_pins_get("maps", name);
	return fd < 0 ? fd : bpf_map__reuse_fd(map, fd);
}

/* What lives on in an upgrade, and what both objects use. */
static const char *const shared_maps[] = {
	"cgroup_slots", "clock_pages", "windows",	   "stuck_windows",
	"in_flight",	"forks",       "deadline_records", "loader_state",
};
#define SHARED_MAPS (sizeof(shared_maps) / sizeof(*shared_maps))

/* What else lives on: the journal of the rules, what a loader holds, and forks
 * that are under way, which the new version sees the end of. */
static const char *const kept_maps[] = { "journal", "loader_events",
					 "fork_of" };
#define KEPT_MAPS (sizeof(kept_maps) / sizeof(*kept_maps))

/* The rules and the arrays through which the attached programs send on. */
static int reuse_maps(struct bpf_object *object)
{
	int err = 0;

	for (size_t i = 0; !err && i < KEPT_MAPS; i++)
		err = reuse_pinned(object, kept_maps[i]);
	for (size_t i = 0; !err && i < SHARED_MAPS; i++)
		err = reuse_pinned(object, shared_maps[i]);
	for (size_t i = 0; !err && i < DOOR_PROGRAMS; i++)
		err = reuse_pinned(object, door_programs[i].array);
	return err;
}

static int share_map(struct bpf_object *from, struct bpf_object *to,
		     const char *name)
{
	return bpf_map__reuse_fd(bpf_object__find_map_by_name(to, name),
				 bpf_object__find_map_fd_by_name(from, name));
}

static int share_maps(struct bpf_object *from, struct bpf_object *to)
{
	int err = share_map(from, to, "counters");

	for (size_t i = 0; !err && i < SHARED_MAPS; i++)
		err = share_map(from, to, shared_maps[i]);
	return err;
}

/* libbpf would fill the global data with an ordinary priority (map.h). */
static int load_object(struct bpf_object *object)
{
	int err = tnb_bpf_map_make_data(object);

	return err ? err : bpf_object__load(object);
}

static int load_session(struct install *install)
{
	int err = open_session(install);

	if (err)
		return err;
	select_programs(install->session, install);
	if (install->replace)
		err = reuse_maps(install->session);
	if (!err)
		err = share_maps(install->main->obj, install->session);
	return err ? err : load_object(install->session);
}

/* Never 0, which is that of pages that were not written yet. */
static int choose_load_number(const volatile __u64 *number)
{
	__u64 *to = (__u64 *)(uintptr_t)number;

	do {
		if (getrandom(to, sizeof(*to), 0) != sizeof(*to))
			return -EIO;
	} while (!*to);
	return 0;
}

static int load_main(struct install *install)
{
	int err = 0;

	install->main = timensbpf_bpf__open();
	if (!install->main)
		return -errno;
	set_misses(&install->main->rodata->miss_one_in);
	err = choose_load_number(&install->main->rodata->load_number);
	if (err)
		return err;
	select_programs(install->main->obj, install);
	select_arrays(install->main->obj, install->kernel, install->plan);
	if (install->replace)
		err = reuse_maps(install->main->obj);
	if (!err)
		err = load_object(install->main->obj);
	/* From here on even root maps the pages read-only: only page_write
	 * changes them. Frozen already if they are taken over. */
	if (!err && !install->replace)
		err = bpf_map_freeze(
			bpf_map__fd(install->main->maps.clock_pages));
	return err;
}

static int load_objects(struct install *install)
{
	int err = load_main(install);

	tnb_step();
	if (!err && install->plan->read == TNB_ATTACH_SESSION)
		err = load_session(install);
	if (err)
		return tnb_fail(
			err,
			"the kernel did not take the programs: %s; 'timensbpf doctor' tells what is missing, TIMENSBPF_DEBUG=1 shows the verifier's words",
			strerror(-err));
	return 0;
}

/* ---- Attaching and pinning ----------------------------------------------- */

static int attach_kretprobe(struct bpf_program *program,
			    const struct door_program *row)
{
	const char *door = row->array + strlen("door_");
	char name[64];

	snprintf(name, sizeof(name), "kretprobe_%s", door);
	return tnb_link_probe(
		program, &(struct tnb_link_probe){ .kind = TNB_KRETPROBE,
						   .event = door,
						   .function = row->function,
						   .cookie = (__u64)row->door,
						   .pin = name });
}

static int attach_kretprobes(struct install *install)
{
	struct bpf_program *program = install->main->progs.kretprobe_clock;
	int err = 0;

	for (size_t i = 0; !err && i < TNB_DOOR_MAX; i++)
		if (install->kernel->door[i])
			err = attach_kretprobe(program, &door_programs[i]);
	return err;
}

static int attach_session(struct install *install)
{
	struct tnb_session_target targets[TNB_DOOR_MAX];
	size_t count = 0;

	for (size_t i = 0; i < TNB_DOOR_MAX; i++)
		if (install->kernel->door[i])
			targets[count++] = (struct tnb_session_target){
				door_programs[i].function,
				(__u64)door_programs[i].door
			};
	return tnb_link_session(install->session, "session_clock", targets,
				count);
}

static int attach_fexits(struct install *install)
{
	int err = 0;

	for (size_t i = 0; !err && i < DOOR_PROGRAMS; i++) {
		const struct door_program *row = &door_programs[i];
		struct bpf_program *stub;

		if (!door_is_wanted(row, install->kernel, install->plan))
			continue;
		stub = bpf_object__find_program_by_name(install->main->obj,
							row->stub);
		err = tnb_link_pin(bpf_program__attach(stub), row->stub, false);
	}
	return err;
}

static int attach_doors(struct install *install)
{
	switch (install->plan->read) {
	case TNB_ATTACH_SESSION:
		return attach_session(install);
	case TNB_ATTACH_KRETPROBE:
		return attach_kretprobes(install);
	default:
		return attach_fexits(install);
	}
}

static bool is_door_link(const char *name)
{
	return starts_with(name, "fexit_") || starts_with(name, "kretprobe_") ||
	       starts_with(name, "session_");
}

/* context: const char **, the kind of pin. */
static int keep_door(const char *name, int fd, void *context)
{
	const char *const *kind = context;

	return is_door_link(name) ? tnb_pins_add(TNB_PINS_NEW, *kind, name, fd)
				  : 0;
}

static int keep_doors(void)
{
	const char *kinds[] = { "progs", "links" };
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(kinds) / sizeof(*kinds); i++)
		err = tnb_pins_for_each(kinds[i], keep_door, &kinds[i]);
	return err;
}

static bool is_run_by_user_space(const struct bpf_program *program)
{
	return bpf_program__type(program) == BPF_PROG_TYPE_SYSCALL ||
	       bpf_program__expected_attach_type(program) == BPF_TRACE_ITER;
}

/*
 * All but the doors may stand twice while one version takes over from
 * another: hiding, denying and inheriting a second time changes nothing, a fork
 * is marked once (bpf/wait/deadline_fork.bpf.c), and of two fmod_ret programs
 * only the first that answers runs.
 */
static int attach_others(struct install *install)
{
	struct bpf_program *program;
	int err = 0;

	bpf_object__for_each_program (program, install->main->obj) {
		const char *name = bpf_program__name(program);

		if (err || !bpf_program__autoload(program) ||
		    door_program_of(name) || tnb_deadline_is_ours(name) ||
		    is_run_by_user_space(program))
			continue;
		err = tnb_link_pin(bpf_program__attach(program), name,
				   bpf_program__type(program) ==
					   BPF_PROG_TYPE_KPROBE);
	}
	return err;
}

static int pin_object(struct bpf_object *object, bool with_shared_maps)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_program (program, object)
		if (!err && bpf_program__autoload(program))
			err = tnb_pins_add(TNB_PINS_NEW, "progs",
					   bpf_program__name(program),
					   bpf_program__fd(program));
	bpf_object__for_each_map (map, object) {
		const char *name = bpf_map__name(map);

		if (err || !bpf_map__autocreate(map) || strchr(name, '.') ||
		    (!with_shared_maps && !starts_with(name, "door_")))
			continue;
		err = tnb_pins_add(TNB_PINS_NEW, "maps", name,
				   bpf_map__fd(map));
	}
	return err;
}

static int pin_state(const struct install *install)
{
	struct tnb_loaded state = {
		.page_abi = TNB_PAGE_ABI,
		.attach = install->plan->read,
		.preemption = install->kernel->preemption,
		.lsm = install->plan->lsm,
	};
	_cleanup_close_
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "tnb_loaded", sizeof(__u32),
				sizeof(state), 1, NULL);
	__u32 key = 0;

	snprintf(state.version, sizeof(state.version), "%s", tnb_version());
	if (fd < 0 || tnb_bpf_map_update(fd, &key, &state))
		return tnb_fail(-errno, "cannot store what is loaded: %s",
				strerror(errno));
	return tnb_pins_add(TNB_PINS_NEW, "maps", "state", fd);
}

/* The moment of an upgrade, for each door an atomic one. */
static int switch_workers(struct install *install)
{
	const __u32 key = 0;

	for (size_t i = 0; i < DOOR_PROGRAMS; i++) {
		const struct door_program *row = &door_programs[i];
		struct bpf_object *object = row->attach == TNB_ATTACH_SESSION
						    ? install->session
						    : install->main->obj;
		int array, worker;

		if (!door_is_wanted(row, install->kernel, install->plan))
			continue;
		array = bpf_object__find_map_fd_by_name(object, row->array);
		worker = bpf_program__fd(
			bpf_object__find_program_by_name(object, row->worker));
		/* Between the first door and the second. */
		if (i == 1)
			tnb_step();
		if (tnb_bpf_map_update(array, &key, &worker))
			return tnb_fail(-errno, "cannot install %s: %s",
					row->worker, strerror(errno));
	}
	return 0;
}

static int attach_and_pin(struct install *install)
{
	int err = pin_object(install->main->obj, true);

	if (!err && install->session)
		err = pin_object(install->session, false);
	if (!err)
		err = pin_state(install);
	tnb_step();
	if (!err)
		err = attach_others(install);
	tnb_step();
	if (!err)
		err = tnb_deadlines_attach(install->main->obj, install->session,
					   install->kernel, install->plan);
	tnb_step();
	if (!err)
		err = install->replace ? keep_doors() : attach_doors(install);
	tnb_step();
	/* Last, because it is what an abandoned upgrade could not undo. */
	return err ? err : switch_workers(install);
}

int tnb_programs_install(const struct tnb_kernel *kernel,
			 const struct tnb_plan *plan, bool replace)
{
	struct install install = {
		.kernel = kernel,
		.plan = plan,
		.replace = replace,
	};
	int err = load_objects(&install);

	if (!err)
		err = attach_and_pin(&install);
	close_objects(&install);
	return err;
}
