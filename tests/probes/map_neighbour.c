/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map_neighbour [THREADS]: another user of BPF, whose threads update a hash map
 * of their own until they are killed. While one of them is preempted in the
 * middle of it, the kernel runs no kprobe program on that CPU ("A program can
 * be missed" in docs/kernels.md). Prints "ready" when all threads run.
 */
#define _GNU_SOURCE
#include "bpf_call.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ENTRIES 1024u

static int map;
static pthread_barrier_t started;

static void *update_for_ever(void *arg)
{
	uint32_t key = (uint32_t)(uintptr_t)arg;
	uint64_t value = 0;

	pthread_barrier_wait(&started);
	for (;; key++, value++) {
		uint32_t entry = key % ENTRIES;

		bpf_update(map, &entry, &value);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_HASH,
				.key_size = 4,
				.value_size = 8,
				.max_entries = ENTRIES };
	unsigned int threads = argc > 1 ? (unsigned int)atoi(argv[1]) : 8;
	pthread_t thread;

	map = (int)bpf_call(BPF_MAP_CREATE, &attr);
	if (map < 0) {
		fprintf(stderr, "map_neighbour: no map: error %d\n", -map);
		return 1;
	}
	pthread_barrier_init(&started, NULL, threads + 1);
	for (uintptr_t t = 0; t < threads; t++)
		if (pthread_create(&thread, NULL, update_for_ever,
				   (void *)(t * 97)))
			return 1;
	pthread_barrier_wait(&started);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
