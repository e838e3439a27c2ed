/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "bpf_map.h"

#include "base/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>

/* The lowest real-time priority, so that no ordinary thread preempts us. If it
 * is refused, programs may be skipped, which the kernel counts. */
struct turn {
	int policy;
	struct sched_param param;
};

static void turn_begin(struct turn *turn)
{
	const struct sched_param least = { .sched_priority = 1 };

	turn->policy = sched_getscheduler(0);
	if (turn->policy == SCHED_FIFO || turn->policy == SCHED_RR ||
	    sched_getparam(0, &turn->param) ||
	    sched_setscheduler(0, SCHED_FIFO, &least))
		turn->policy = -1;
}

static int turn_end(const struct turn *turn, int result)
{
	int saved = errno;

	if (turn->policy >= 0)
		sched_setscheduler(0, turn->policy, &turn->param);
	errno = saved;
	return result;
}

int tnb_bpf_map_lookup(int fd, const void *key, void *value)
{
	struct turn turn;

	turn_begin(&turn);
	return turn_end(&turn, bpf_map_lookup_elem(fd, key, value));
}

int tnb_bpf_map_update(int fd, const void *key, const void *value)
{
	struct turn turn;

	turn_begin(&turn);
	return turn_end(&turn, bpf_map_update_elem(fd, key, value, BPF_ANY));
}

int tnb_bpf_map_delete(int fd, const void *key)
{
	struct turn turn;

	turn_begin(&turn);
	return turn_end(&turn, bpf_map_delete_elem(fd, key));
}

int64_t tnb_bpf_map_id(int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? -errno
							: (int64_t)info.id;
}

static int make_data(struct bpf_map *map)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		    .map_flags = bpf_map__map_flags(map));
	const __u32 key = 0;
	size_t size;
	const void *value = bpf_map__initial_value(map, &size);
	_cleanup_close_
	int fd = -1;
	int err;

	if (!value)
		return 0;
	fd = bpf_map_create(bpf_map__type(map), bpf_map__name(map), sizeof(key),
			    (__u32)size, 1, &opts);
	if (fd < 0)
		return fd;
	err = tnb_bpf_map_update(fd, &key, value);
	/* The verifier uses constants only from a frozen map
	 * (bpf_map_is_rdonly() in kernel/bpf/verifier.c). */
	if (!err && opts.map_flags & BPF_F_RDONLY_PROG)
		err = bpf_map_freeze(fd);
	return err ? err : bpf_map__reuse_fd(map, fd);
}

int tnb_bpf_map_make_data(struct bpf_object *object)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map (map, object)
		if (!err && bpf_map__is_internal(map))
			err = make_data(map);
	return err;
}
