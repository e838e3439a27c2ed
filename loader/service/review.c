/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pass is compared before and after: who leaves meanwhile takes it again,
 * and it is not given. Who has left before is found by looking at everybody.
 *
 * Looked at twice, because a process that is not found may have been born by
 * one that was still to be looked at and then ended: its parent would have to
 * do so in both turns, each time with a child that gets a number which the turn
 * has passed by already. Numbers are handed out upwards, as they are listed.
 */
#define _GNU_SOURCE
#include "review.h"

#include "../cgroup.h"
#include "../cleanup.h"
#include "../link_page.h"
#include "../page.h"
#include "../repair.h"
#include "../slots.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Of rules: which passes were taken when the review began. */
struct review {
	struct tnb *tnb;
	uint64_t seen[TNB_SLOTS]; /* 0: is given, or there is no rule */
	bool is_mapped_elsewhere[TNB_SLOTS];
};

/* ---- Who maps what ------------------------------------------------------- */

static bool lives_in(struct tnb *tnb, pid_t tid, __u32 slot)
{
	uint64_t cgroup;

	return !tnb_cgroup_id_of(tid, &cgroup) &&
	       tnb_slot_of(tnb, cgroup) == slot;
}

/* With one thread elsewhere the process is elsewhere. */
static bool all_threads_live_in(struct tnb *tnb, int proc, __u32 slot)
{
	int fd = openat(proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name) &&
		    !lives_in(tnb, atoi(entry->d_name), slot))
			return false;
	return true;
}

static void look_at(struct review *review, int all, const char *pid)
{
	struct tnb_vdso_link link;
	_cleanup_close_
	int proc = openat(all, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_
	int memory = proc < 0 ? -1 : openat(proc, "mem", O_RDONLY | O_CLOEXEC);

	if (memory < 0 || !tnb_link_page_find(proc, memory, &link) ||
	    !review->seen[link.slot])
		return;
	if (!all_threads_live_in(review->tnb, proc, link.slot))
		review->is_mapped_elsewhere[link.slot] = true;
}

static int look_at_all(struct review *review)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name))
			look_at(review, dirfd(dir), entry->d_name);
	return 0;
}

/* ---- What is to be given ------------------------------------------------- */

static bool find_taken(struct review *review)
{
	bool found = false;

	for (__u32 i = 1; i < TNB_SLOTS; i++) {
		if (!tnb_page_owner(review->tnb, i) ||
		    tnb_page_pass_is_given(review->tnb, i))
			continue;
		review->seen[i] = tnb_page_pass(review->tnb, i);
		found = true;
	}
	return found;
}

static bool give(const struct review *review)
{
	bool stays = false;

	for (__u32 i = 1; i < TNB_SLOTS; i++)
		if (review->seen[i] &&
		    (review->is_mapped_elsewhere[i] ||
		     tnb_page_pass_give(review->tnb, i, review->seen[i])))
			stays = true;
	return stays;
}

bool tnb_review(struct tnb *tnb)
{
	_cleanup_free_
	struct review *review = calloc(1, sizeof(*review));
	_cleanup_close_
	int lock = -1;

	if (!review)
		return true;
	review->tnb = tnb;
	if (!find_taken(review))
		return false;
	lock = tnb_rules_lock(tnb);
	if (lock < 0 || look_at_all(review) || look_at_all(review))
		return true;
	return give(review);
}
