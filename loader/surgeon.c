/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process of its own, for three reasons: the end of the tracer is what lets
 * go of a thread that cannot be stopped; a caller that is stopped, by the key
 * of a terminal or with its process group, must not keep others stopped; and
 * what waitpid(2) tells of tracees goes to no thread of the caller's.
 *
 * A second one watches it, and kills it when it is stopped or no longer gets
 * on.
 */
#define _GNU_SOURCE
#include "surgeon.h"

#include "cgroup.h"
#include "cleanup.h"
#include "error.h"
#include "home.h"
#include "inject/live.h"
#include "inject/memory.h"
#include "pins.h"
#include "proc.h"
#include "service/state.h"
#include "service/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* How long a process may be kept stopped, on a machine where it hardly gets a
 * CPU. */
#define CHANGE_BUDGET_MS 1000
/* No patient takes longer, looking at it included. */
#define PATIENT_LIMIT_NS 3000000000ULL
#define WATCH_EVERY_MS 10
#define WATCH_TRIES 2000

/* Shared with the surgeon. */
struct theatre {
	volatile size_t next;	 /* patient */
	volatile __u64 since_ns; /* it is under way, CLOCK_MONOTONIC */
	volatile bool watched;
	struct tnb_patient patient[];
};

struct ward {
	struct tnb *tnb;
	struct tnb_injector injector;
	struct tnb_memory memory;
	struct tnb_memory_owners owners;
	struct theatre *theatre;
	size_t count, size; /* patients; bytes of the theatre */
	pid_t parent;
};

/* ---- The surgeon --------------------------------------------------------- */

/* It would not run what it is sent to. */
static bool is_frozen(pid_t tid)
{
	_cleanup_free_
	char *path = NULL;
	_cleanup_close_
	int cgroup = -1;

	if (tnb_cgroup_of(tid, &path))
		return false;
	cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return cgroup >= 0 && tnb_cgroup_is_frozen(cgroup);
}

static int treat(const struct ward *ward, struct tnb_patient *patient)
{
	struct tnb_live live;
	struct tnb_home home;
	pid_t tid;
	_cleanup_close_
	int proc = tnb_proc_open(patient->pid, &tid);
	int err;

	if (proc < 0)
		return -ESRCH;
	err = tnb_home_of(ward->tnb, proc, tid, &home);
	if (!err)
		err = tnb_live_look(patient->pid, tid, proc, &live);
	if (err || tnb_live_is_at_home(&live, &home))
		return err == -ENOENT ? 0 : err;
	/* Without being stopped again and again for it. */
	if (is_frozen(tid) ||
	    tnb_memory_has_sharer(&ward->owners, patient->pid))
		return -EAGAIN;
	return tnb_live_change(&ward->injector, &live, &home, proc,
			       CHANGE_BUDGET_MS);
}

static void operate(const struct ward *ward)
{
	struct theatre *theatre = ward->theatre;

	/* An orphan leaves the rest to others, who wait for the lock. */
	while (theatre->next < ward->count && getppid() == ward->parent) {
		struct tnb_patient *patient = &theatre->patient[theatre->next];

		theatre->since_ns = tnb_state_now();
		patient->result = treat(ward, patient);
		theatre->next++;
		/* Another goes on: see the head of this file. */
		if (patient->result == -ETIMEDOUT)
			return;
	}
}

/* Nobody is stopped before. */
static bool is_watched(const struct theatre *theatre)
{
	for (int i = 0; i < WATCH_TRIES && !theatre->watched; i++)
		poll(NULL, 0, 1);
	return theatre->watched;
}

static void run_surgeon(const struct ward *ward)
{
	setsid();
	tnb_thread_begin(TNB_SURGEON, 1);
	if (is_watched(ward->theatre))
		operate(ward);
	_exit(0);
}

/* ---- Its watch ----------------------------------------------------------- */

static bool is_stuck(const struct theatre *theatre, pid_t surgeon)
{
	return tnb_proc_state(surgeon) == 'T' ||
	       (__s64)(tnb_state_now() - theatre->since_ns) >
		       (__s64)PATIENT_LIMIT_NS;
}

static void run_watch(const struct ward *ward, pid_t surgeon, int fd)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };

	setsid();
	tnb_thread_begin("tnb-watch", 2);
	ward->theatre->watched = true;
	while (poll(&end, 1, WATCH_EVERY_MS) <= 0)
		if (is_stuck(ward->theatre, surgeon))
			syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	_exit(0);
}

static void reap(pid_t pid)
{
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* One surgeon, until he ends. */
static int run_one(const struct ward *ward)
{
	pid_t surgeon, watch;
	int fd, err;

	ward->theatre->since_ns = tnb_state_now();
	ward->theatre->watched = false;
	surgeon = fork();
	if (!surgeon)
		run_surgeon(ward);
	fd = surgeon < 0 ? -1 : (int)syscall(SYS_pidfd_open, surgeon, 0);
	watch = fd < 0 ? -1 : fork();
	err = errno;
	if (!watch)
		run_watch(ward, surgeon, fd);
	/* Without a watch there is no operation. */
	if (surgeon > 0 && watch < 0)
		kill(surgeon, SIGKILL);
	reap(surgeon);
	if (watch > 0)
		kill(watch, SIGKILL);
	reap(watch);
	if (fd >= 0)
		close(fd);
	return surgeon < 0 || watch < 0
		       ? tnb_fail(-err, "cannot start a process: %s",
				  strerror(err))
		       : 0;
}

/* Each has seen to one patient at least, or it counts as one that he died of.
 */
static int run_all(const struct ward *ward)
{
	struct theatre *theatre = ward->theatre;
	int err = 0;

	while (!err && theatre->next < ward->count) {
		size_t next = theatre->next;

		err = run_one(ward);
		if (!err && theatre->next == next) {
			theatre->patient[next].result = -ETIMEDOUT;
			theatre->next++;
		}
	}
	return err;
}

/* ---- What it needs ------------------------------------------------------- */

static int map_theatre(struct ward *ward, const struct tnb_patient *patients)
{
	void *map;

	ward->size = sizeof(*ward->theatre) + ward->count * sizeof(*patients);
	map = mmap(NULL, ward->size, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return tnb_fail_memory();
	ward->theatre = map;
	memcpy(ward->theatre->patient, patients,
	       ward->count * sizeof(*patients));
	return 0;
}

static int open_ward(struct ward *ward, const struct tnb_vdso *vdso)
{
	int err;

	ward->injector.vdso = vdso;
	ward->injector.pages = ward->tnb->pages;
	ward->injector.state = ward->tnb->loader;
	ward->injector.map = tnb_pins_get("maps", "clock_pages");
	if (ward->injector.map < 0)
		return tnb_fail(ward->injector.map,
				"cannot open %s/maps/clock_pages", TNB_PINS);
	err = tnb_memory_open(&ward->memory);
	if (!err)
		err = tnb_memory_list(&ward->memory, &ward->owners);
	if (err)
		return tnb_fail(err, "cannot tell who shares memory: %s",
				strerror(-err));
	ward->injector.memory = &ward->memory;
	return 0;
}

int tnb_surgeon_run(struct tnb *tnb, const struct tnb_vdso *vdso,
		    struct tnb_patient *patients, size_t count)
{
	struct ward ward = {
		.tnb = tnb,
		.injector = { .map = -1 },
		.memory = { -1, -1 },
		.count = count,
		.parent = getpid(),
	};
	int err = open_ward(&ward, vdso);

	if (!err)
		err = map_theatre(&ward, patients);
	if (!err) {
		err = run_all(&ward);
		memcpy(patients, ward.theatre->patient,
		       count * sizeof(*patients));
		munmap(ward.theatre, ward.size);
	}
	tnb_cleanup_close(&ward.injector.map);
	tnb_memory_free(&ward.owners);
	tnb_memory_close(&ward.memory);
	return err;
}
