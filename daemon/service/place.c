/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "place.h"

#include "base/cgroup.h"
#include "base/error.h"
#include "base/proc.h"
#include "rules/slots.h"

#include <abi/control.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK TNB_CONTROL_DIR "/loader.lock"

int tnb_place_lock(void)
{
	int fd, err;

	if (mkdir(TNB_CONTROL_DIR, 0700) && errno != EEXIST)
		return tnb_fail(-errno, "cannot make " TNB_CONTROL_DIR ": %s",
				strerror(errno));
	fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return tnb_fail(-errno, "cannot open " LOCK ": %s",
				strerror(errno));
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return err == -EBUSY
		       ? tnb_fail(
				 err,
				 "another loader runs: only one at a time serves the programs")
		       : tnb_fail(err, "cannot lock " LOCK ": %s",
				  strerror(-err));
}

static bool same_file(const char *a, const char *b)
{
	struct stat first, second;

	return !stat(a, &first) && !stat(b, &second) &&
	       first.st_ino == second.st_ino;
}

int tnb_place_check(const struct tnb *tnb)
{
	uint64_t cgroup;

	if (!tnb_proc_is_first_namespace())
		return tnb_fail(
			-EINVAL,
			"the loader would live in a pid namespace: start it outside (hostPID)");
	if (!tnb_cgroup_id_of(0, &cgroup) && tnb_slot_of(tnb, cgroup))
		return tnb_fail(
			-EINVAL,
			"the loader would live in virtual time itself: start it outside of all rules");
	if (!same_file("/proc/self/ns/time", "/proc/1/ns/time"))
		return tnb_fail(
			-EINVAL,
			"the loader would live in a time namespace: start it outside");
	return 0;
}

unsigned int tnb_place_spare_cpus(void)
{
	cpu_set_t own;

	if (sched_getaffinity(0, sizeof(own), &own))
		return 0;
	return (unsigned int)CPU_COUNT(&own) - 1;
}
