/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fill_map PIN fill|empty|list: fills a pinned hash map (u64 keys, u32 values)
 * with entries of cgroups that do not exist, until the kernel refuses another,
 * or takes them out again, and prints how many; or lists its entries.
 */
#define _GNU_SOURCE
#include "bpf_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIRST_KEY 0xfeed000000000000u
#define KEYS 200000u

static int list(int map)
{
	uint64_t key = 0, next;
	union bpf_attr attr = { .map_fd = (uint32_t)map,
				.next_key = (uintptr_t)&next };

	while (!bpf_call(BPF_MAP_GET_NEXT_KEY, &attr)) {
		union bpf_attr lookup = { .map_fd = (uint32_t)map };
		uint32_t value = 0;

		key = next;
		lookup.key = (uintptr_t)&key;
		lookup.value = (uintptr_t)&value;
		if (!bpf_call(BPF_MAP_LOOKUP_ELEM, &lookup))
			printf("%" PRIu64 " %" PRIu32 "\n", key, value);
		attr.key = (uintptr_t)&key;
	}
	return 0;
}

int main(int argc, char **argv)
{
	union bpf_attr attr = { .pathname = 0 };
	uint64_t first = FIRST_KEY, done = 0;
	const uint32_t identity = 0;
	long map;

	if (argc != 3)
		return 2;
	attr.pathname = (uintptr_t)argv[1];
	map = bpf_call(BPF_OBJ_GET, &attr);
	if (map < 0) {
		fprintf(stderr, "fill_map: %s: error %ld\n", argv[1], -map);
		return 1;
	}
	if (!strcmp(argv[2], "list"))
		return list((int)map);
	for (uint64_t key = first; key < first + KEYS; key++) {
		long ret = !strcmp(argv[2], "fill")
				   ? bpf_update((int)map, &key, &identity)
				   : bpf_delete((int)map, &key);

		if (ret)
			break;
		done++;
	}
	printf("%" PRIu64 "\n", done);
	return done ? 0 : 1;
}
