/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handle.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/proc.h"
#include "kernel/programs.h"
#include "channel.h"

#include <errno.h>
#include <sys/mman.h>

#define PAGES_SIZE ((size_t)TNB_SLOTS * TNB_PAGE_SIZE)

static int get_pin(const char *kind, const char *name, int *fd)
{
	*fd = tnb_pins_get(kind, name);
	return *fd < 0 ? tnb_fail(*fd, "cannot open %s/%s/%s: %s", TNB_PINS,
				  kind, name, strerror(-*fd))
		       : 0;
}

static int map_pages(struct tnb *tnb)
{
	_cleanup_close_
	int fd = -1;
	void *pages;
	int err = get_pin("maps", "clock_pages", &fd);

	if (err)
		return err;
	pages = mmap(NULL, PAGES_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (pages == MAP_FAILED)
		return tnb_fail(-errno, "cannot map the clock pages: %s",
				strerror(errno));
	tnb->pages = pages;
	return 0;
}

/* /proc names the cgroup of a process as the reader's namespace sees it. */
static int check_own_place(void)
{
	return tnb_proc_sees_all_cgroups()
		       ? 0
		       : tnb_fail(
				 -EINVAL,
				 "in a cgroup namespace of its own it cannot tell the cgroup of a process: start it in the initial one (docker run --cgroupns=host)");
}

static int open_parts(struct tnb *tnb)
{
	int err = check_own_place();

	if (!err)
		err = tnb_pins_state(&tnb->state);
	if (!err && tnb->state.page_abi != TNB_PAGE_ABI)
		err = tnb_fail(
			-EEXIST,
			"the loaded version %s keeps its rules in another form: run 'timensbpf unload' of that version, then 'timensbpf load'",
			tnb->state.version);
	if (!err)
		err = get_pin("maps", "journal", &tnb->journal);
	if (!err)
		err = get_pin("maps", "cgroup_slots", &tnb->cgroup_slots);
	if (!err)
		err = get_pin("maps", "counters", &tnb->counters);
	if (!err)
		err = get_pin("progs", "page_write", &tnb->page_write);
	if (!err)
		err = get_pin("progs", "page_pass", &tnb->page_pass);
	if (!err)
		err = map_pages(tnb);
	if (!err)
		err = tnb_channel_map(&tnb->loader);
	return err ? err : tnb_cgroup_mount(&tnb->mount);
}

int tnb_open(struct tnb **out)
{
	struct tnb *tnb = calloc(1, sizeof(*tnb));
	int err;

	if (!tnb)
		return tnb_fail_memory();
	tnb->journal = tnb->cgroup_slots = -1;
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
	tnb_cleanup_close(&tnb->counters);
	tnb_cleanup_close(&tnb->page_write);
	tnb_cleanup_close(&tnb->page_pass);
	if (tnb->pages)
		munmap((void *)tnb->pages, PAGES_SIZE);
	tnb_channel_unmap(&tnb->loader);
	free(tnb->mount);
	free(tnb);
}

const char *tnb_loaded_attach(const struct tnb *tnb)
{
	return tnb_attach_name((enum tnb_read_attach)tnb->state.attach);
}

const char *tnb_loaded_version(const struct tnb *tnb)
{
	return tnb->state.version;
}
