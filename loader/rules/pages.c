/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "pages.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/bpf_map.h"

#include <abi/latch.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES_SIZE ((size_t)TNB_SLOTS * TNB_PAGE_SIZE)

struct tnb_pages {
	struct tnb_loader_state *state; /* NULL: they are those of `file` */
	int file;
	/* Room for all. What is there is the page of map[slot], once that is
	 * not 0. */
	struct tnb_clock_page *at;
	__u32 map[TNB_SLOTS];
	pthread_mutex_t mutex; /* of changes to both */
};

static const struct tnb_clock_page no_page;
/* Of a slot that has a page which cannot be mapped: it is not free. */
static const struct tnb_clock_page lost_page = { .owner = TNB_OWNER_UNKNOWN };
/* In the place of a map's id; ids have 31 bits. */
#define LOST 0xffffffffu

static int make(struct tnb_loader_state *state, int file,
		struct tnb_pages **pages)
{
	struct tnb_pages *made = calloc(1, sizeof(*made));
	void *at;

	if (!made)
		return tnb_fail_memory();
	at = mmap(NULL, PAGES_SIZE, file < 0 ? PROT_NONE : PROT_READ,
		  file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
			   : MAP_SHARED,
		  file, 0);
	if (at == MAP_FAILED) {
		free(made);
		return tnb_fail_memory();
	}
	made->state = state;
	made->file = file;
	made->at = at;
	pthread_mutex_init(&made->mutex, NULL);
	*pages = made;
	return 0;
}

int tnb_pages_open(struct tnb_loader_state *state, struct tnb_pages **pages)
{
	return make(state, -1, pages);
}

int tnb_pages_open_file(int file, struct tnb_pages **pages)
{
	return make(NULL, file, pages);
}

void tnb_pages_close(struct tnb_pages **pages)
{
	if (*pages) {
		munmap((*pages)->at, PAGES_SIZE);
		pthread_mutex_destroy(&(*pages)->mutex);
		free(*pages);
	}
	*pages = NULL;
}

void tnb_pages_after_fork(struct tnb_pages *pages)
{
	pthread_mutex_init(&pages->mutex, NULL);
}

static __u32 map_of(const struct tnb_pages *pages, __u32 slot)
{
	return tnb_load_acquire(pages->state->page_map[slot]);
}

static int open_map(__u32 id)
{
	int fd = id ? bpf_map_get_fd_by_id(id) : -1;

	return !id ? -ENOENT : fd < 0 ? -errno : fd;
}

/* A map that is gone (-ENOENT) was replaced by a caller that was killed before
 * it could tell which is the new one: the slot is free. */
static void map_anew(struct tnb_pages *pages, __u32 slot)
{
	void *at = &pages->at[slot];
	__u32 id = map_of(pages, slot);
	_cleanup_close_
	int fd = open_map(id);

	if (fd >= 0 && mmap(at, TNB_PAGE_SIZE, PROT_READ,
			    MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED)
		tnb_store_release(pages->map[slot], id);
	else
		tnb_store_release(pages->map[slot], fd == -ENOENT ? 0 : LOST);
}

/* The mutex: a thread that has seen an older map must not put it in the place
 * of the newer one that another thread has mapped. */
const struct tnb_clock_page *tnb_pages_at(struct tnb_pages *pages, __u32 slot)
{
	if (slot >= TNB_SLOTS)
		return &no_page;
	if (!pages->state)
		return &pages->at[slot];
	if (tnb_load_acquire(pages->map[slot]) != map_of(pages, slot)) {
		pthread_mutex_lock(&pages->mutex);
		if (pages->map[slot] != map_of(pages, slot))
			map_anew(pages, slot);
		pthread_mutex_unlock(&pages->mutex);
	}
	switch (tnb_load_acquire(pages->map[slot])) {
	case 0:
		return &no_page;
	case LOST:
		return &lost_page;
	default:
		return &pages->at[slot];
	}
}

int tnb_pages_map(struct tnb_pages *pages, __u32 slot, __u64 *offset)
{
	int fd;

	*offset = pages->state ? 0 : (__u64)slot * TNB_PAGE_SIZE;
	if (pages->state)
		return open_map(map_of(pages, slot));
	fd = dup(pages->file);
	return fd < 0 ? -errno : fd;
}

static int make_map(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "tnb_clock_page",
				sizeof(__u32), TNB_PAGE_SIZE, 1, &opts);

	/* From here on not even root can write it but by a BPF program. */
	if (fd >= 0 && bpf_map_freeze(fd)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd < 0 ? -errno : fd;
}

/* The old map is held until the update has returned: before 6.8 the kernel
 * freed it although a program might still read it. */
int tnb_pages_make(struct tnb_pages *pages, int clock_pages, __u32 slot)
{
	_cleanup_close_
	int old = open_map(map_of(pages, slot));
	_cleanup_close_
	int fd = make_map();
	int64_t id = fd < 0 ? fd : tnb_bpf_map_id(fd);

	(void)old;
	if (id >= 0 && tnb_bpf_map_update(clock_pages, &slot, &fd))
		id = -errno;
	if (id < 0)
		return tnb_fail((int)id, "cannot make a clock page: %s",
				strerror((int)-id));
	tnb_store_release(pages->state->page_map[slot], (__u32)id);
	return 0;
}
