/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "need.h"

#include "base/cleanup.h"
#include "change.h"
#include "process.h"
#include "rules/placement.h"

#include <errno.h>
#include <fcntl.h>

/*
 * Whether the process started in a rule and reads by system calls. That is slow
 * but right, unless the process looks for the vDSO in a place where it is not
 * hidden.
 */
static bool is_hidden(int proc, bool narrow)
{
	struct tnb_peek peek;
	bool is_hidden;

	if (tnb_peek_open(proc, &peek))
		return false;
	is_hidden = tnb_process_auxv(proc, &peek, narrow) == TNB_VDSO_HIDDEN;
	tnb_peek_close(&peek);
	return is_hidden;
}

/* Kernel threads and processes that have ended have nothing mapped. */
enum tnb_need tnb_need_of(struct tnb *tnb, int proc, pid_t pid, pid_t tid)
{
	struct tnb_view view;
	struct tnb_placement placement;
	enum tnb_need none;
	int err = tnb_placement_of(tnb, proc, tid, &placement);

	if (err)
		return err == -EAGAIN ? TNB_NEED_CHANGE : TNB_NEED_UNKNOWN;
	none = placement.slot ? TNB_NEED_NONE : TNB_NEED_NONE_OUTSIDE;
	err = tnb_view_take(pid, proc, &view);
	if (err)
		return err == -ENOENT ? none : TNB_NEED_UNKNOWN;
	if (tnb_view_is_in_place(&view, &placement))
		return tnb_view_is_linked(&view) ? TNB_NEED_NONE_PAGES : none;
	return view.has_pages || !is_hidden(proc, view.narrow)
		       ? TNB_NEED_CHANGE
		       : TNB_NEED_CHANGE_ONCE;
}
