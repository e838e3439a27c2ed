/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handle.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/proc.h"
#include "kernel/plan.h"
#include "channel.h"
#include "pages.h"

#include <errno.h>
#include <string.h>

/* /proc names the cgroup of a process as the reader's namespace sees it. */
static int check_own_place(void)
{
	return tnb_proc_sees_all_cgroups()
		       ? 0
		       : tnb_fail(
				 -EINVAL,
				 "in a cgroup namespace of its own it cannot tell the cgroup of a process: start it in the initial one (docker run --cgroupns=host)");
}

static int keep(int *to, int fd)
{
	*to = fd;
	return fd < 0 ? fd : 0;
}

static int open_pins(struct tnb *tnb)
{
	int err = keep(&tnb->journal, tnb_pins_map(TNB_MAP_journal));

	if (!err)
		err = keep(&tnb->cgroup_slots,
			   tnb_pins_map(TNB_MAP_cgroup_slots));
	if (!err)
		err = keep(&tnb->clock_pages,
			   tnb_pins_map(TNB_MAP_clock_pages));
	if (!err)
		err = keep(&tnb->counters, tnb_pins_map(TNB_MAP_counters));
	if (!err)
		err = keep(&tnb->page_write,
			   tnb_pins_program(TNB_PROGRAM_page_write));
	if (!err)
		err = keep(&tnb->page_pass,
			   tnb_pins_program(TNB_PROGRAM_page_pass));
	return err;
}

static int open_parts(struct tnb *tnb)
{
	int err = check_own_place();

	if (!err)
		err = tnb_pins_loaded(&tnb->state);
	if (!err && tnb->state.page_abi != TNB_PAGE_ABI)
		err = tnb_fail(
			-EEXIST,
			"the loaded version %s keeps its rules in another form: run 'timensbpf unload' of that version, then 'timensbpf load'",
			tnb->state.version);
	if (!err)
		err = open_pins(tnb);
	if (!err)
		err = tnb_channel_map(&tnb->loader);
	if (!err)
		err = tnb_pages_open(tnb->loader, &tnb->pages);
	return err ? err : tnb_cgroup_mount(&tnb->mount);
}

int tnb_open(struct tnb **out)
{
	struct tnb *tnb = calloc(1, sizeof(*tnb));
	int err;

	if (!tnb)
		return tnb_fail_memory();
	tnb->journal = tnb->cgroup_slots = tnb->clock_pages = -1;
	tnb->counters = tnb->page_write = tnb->page_pass = -1;
	tnb->slot_hint = 1;
	err = open_parts(tnb);
	if (err)
		tnb_close(&tnb);
	else
		*out = tnb;
	return err;
}

void tnb_close(struct tnb **handle)
{
	struct tnb *tnb = *handle;

	*handle = NULL;
	if (!tnb)
		return;
	tnb_cleanup_close(&tnb->journal);
	tnb_cleanup_close(&tnb->cgroup_slots);
	tnb_cleanup_close(&tnb->clock_pages);
	tnb_cleanup_close(&tnb->counters);
	tnb_cleanup_close(&tnb->page_write);
	tnb_cleanup_close(&tnb->page_pass);
	tnb_pages_close(&tnb->pages);
	tnb_channel_unmap(&tnb->loader);
	free(tnb->mount);
	free(tnb);
}

size_t tnb_handle_files(const struct tnb *tnb, int keep[TNB_HANDLE_FILES])
{
	const int files[TNB_HANDLE_FILES] = {
		tnb->journal,  tnb->cgroup_slots, tnb->clock_pages,
		tnb->counters, tnb->page_write,	  tnb->page_pass,
	};

	memcpy(keep, files, sizeof(files));
	return TNB_HANDLE_FILES;
}

const char *tnb_loaded_attach(const struct tnb *tnb)
{
	return tnb_attach_name((enum tnb_read_attach)tnb->state.attach);
}

const char *tnb_loaded_version(const struct tnb *tnb)
{
	return tnb->state.version;
}
