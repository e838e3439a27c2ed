/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the probes need of bpf(2), without libbpf. */
#ifndef TIMENSBPF_TESTS_PROBES_BPF_CALL_H
#define TIMENSBPF_TESTS_PROBES_BPF_CALL_H

#include "raw.h"

#include <linux/bpf.h>

static inline long bpf_call(int command, union bpf_attr *attr)
{
	return raw3(NR_BPF, command, (long)attr, sizeof(*attr));
}

static inline long bpf_update(int map, const void *key, const void *value)
{
	union bpf_attr attr = { .map_fd = (uint32_t)map,
				.key = (uintptr_t)key,
				.value = (uintptr_t)value };

	return bpf_call(BPF_MAP_UPDATE_ELEM, &attr);
}

static inline long bpf_delete(int map, const void *key)
{
	union bpf_attr attr = { .map_fd = (uint32_t)map,
				.key = (uintptr_t)key };

	return bpf_call(BPF_MAP_DELETE_ELEM, &attr);
}

#endif
