/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel counts the users of a process' memory. If there are more of them
 * than stopped threads, all threads of the machine are listed, because some
 * users run no program: readers of files in /proc, the kernel's workers for
 * io_uring and vhost.
 *
 * They are listed twice, for the reason in service/reviewer.c: only a thread
 * that has the memory makes others that have it.
 */
#define _GNU_SOURCE
#include "sharing.h"

#include "base/array.h"
#include "base/cleanup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <abi/memory.h>
#include <unistd.h>

/* ---- All threads of the machine ------------------------------------------ */

static int open_iterator(int program)
{
	int link = bpf_link_create(program, 0, BPF_TRACE_ITER, NULL);
	int fd = link < 0 ? link : bpf_iter_create(link);

	if (link >= 0)
		close(link);
	return fd;
}

static int make_room(struct tnb_sharing_owners *owners)
{
	void *grown = tnb_array_grow(owners->owner, owners->count,
				     &owners->space, sizeof(*owners->owner));

	if (!grown)
		return -ENOMEM;
	owners->owner = grown;
	return 0;
}

/* Whole entries: the kernel passes on no part of what a program wrote at once,
 * unless there is no room for it. */
int tnb_sharing_list(const struct tnb_sharing *memory,
		     struct tnb_sharing_owners *owners)
{
	_cleanup_close_
	int fd = open_iterator(memory->owners);
	ssize_t got = 1;
	int err = fd < 0 ? fd : 0;

	*owners = (struct tnb_sharing_owners){ 0 };
	while (!err && got > 0) {
		err = make_room(owners);
		if (err)
			return err;
		got = read(fd, owners->owner + owners->count,
			   (owners->space - owners->count) *
				   sizeof(*owners->owner));
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (got > 0)
			owners->count += (size_t)got / sizeof(*owners->owner);
		if (got < 0)
			got = 1;
	}
	return err;
}

void tnb_sharing_free(struct tnb_sharing_owners *owners)
{
	free(owners->owner);
	*owners = (struct tnb_sharing_owners){ 0 };
}

static __u64 memory_of(const struct tnb_sharing_owners *owners, pid_t pid)
{
	for (size_t i = 0; i < owners->count; i++)
		if (owners->owner[i].tgid == (__u64)pid)
			return owners->owner[i].memory;
	return 0;
}

bool tnb_sharing_has_other(const struct tnb_sharing_owners *owners, pid_t pid)
{
	__u64 own = memory_of(owners, pid);

	for (size_t i = 0; own && i < owners->count; i++)
		if (owners->owner[i].memory == own &&
		    owners->owner[i].tgid != (__u64)pid)
			return true;
	return false;
}

/* ---- Of one that is stopped ---------------------------------------------- */

static int count_users(int program, struct tnb_memory_users *users)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = users,
		    .ctx_size_in = sizeof(*users), );

	return bpf_prog_test_run_opts(program, &opts) ? -errno : users->result;
}

/* A thread that was killed since it stopped does not count, and its place may
 * be another's. */
static bool all_are_stopped(const struct tnb_threads *threads)
{
	struct tnb_registers regs;

	for (size_t i = 0; i < threads->count; i++)
		if (!threads->thread[i].gone &&
		    tnb_tracee_get_regs(&threads->thread[i], &regs))
			return false;
	return true;
}

static int look_for_others(const struct tnb_sharing *memory, __u64 own,
			   const struct tnb_threads *threads)
{
	struct tnb_sharing_owners owners;
	int result = tnb_sharing_list(memory, &owners);

	for (size_t i = 0; !result && i < owners.count; i++)
		result = owners.owner[i].memory == own &&
			 !tnb_threads_has(threads, (pid_t)owners.owner[i].tid);
	tnb_sharing_free(&owners);
	return result;
}

int tnb_sharing_is_in_use(const struct tnb_sharing *memory,
			  const struct tnb_threads *threads,
			  struct tnb_call_work *work)
{
	struct tnb_memory_users users = { .result = -EIO };
	int result = count_users(memory->users, &users);
	bool looks = !result &&
		     (size_t)users.users != tnb_threads_living(threads);

	*work = (struct tnb_call_work){ .dispatches = users.dispatches,
					.filters = users.filters };
	for (int i = 0; i < 2 && looks && !result; i++)
		result = look_for_others(memory, users.memory, threads);
	return result ? result : all_are_stopped(threads) ? 0 : -ESRCH;
}
