/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * many_readers PROCESSES: for each line on standard input all of them read
 * REALTIME and BOOTTIME by the C library, and a line of JSON tells the lowest
 * and highest distance between the two that one of them saw, in nanoseconds.
 * Nobody reads before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct shared {
	uint32_t turn, done;
	int64_t distance[];
};

static void wait_while(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void wake_all(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static int64_t read_distance(void)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (real.tv_sec - boot.tv_sec) * 1000000000LL + real.tv_nsec -
	       boot.tv_nsec;
}

static __attribute__((noreturn)) void read_in_turns(struct shared *shared,
						    int index)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint32_t turn = 0;; turn++) {
		while (load(&shared->turn) == turn)
			wait_while(&shared->turn, turn);
		shared->distance[index] = read_distance();
		__atomic_add_fetch(&shared->done, 1, __ATOMIC_RELEASE);
		wake_all(&shared->done);
	}
}

static void take_turn(struct shared *shared, uint32_t count)
{
	int64_t lowest, highest;
	uint32_t done;

	__atomic_store_n(&shared->done, 0, __ATOMIC_RELAXED);
	__atomic_add_fetch(&shared->turn, 1, __ATOMIC_RELEASE);
	wake_all(&shared->turn);
	while ((done = load(&shared->done)) != count)
		wait_while(&shared->done, done);
	lowest = highest = shared->distance[0];
	for (uint32_t i = 1; i < count; i++) {
		if (shared->distance[i] < lowest)
			lowest = shared->distance[i];
		if (shared->distance[i] > highest)
			highest = shared->distance[i];
	}
	printf("{\"readers\":%u,\"lowest\":%lld,\"highest\":%lld}\n", count,
	       (long long)lowest, (long long)highest);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0;
	struct shared *shared =
		mmap(NULL, sizeof(*shared) + (size_t)count * sizeof(int64_t),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char line[16];

	if (count <= 0 || shared == MAP_FAILED)
		return 2;
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (!pid)
			read_in_turns(shared, i);
	}
	while (fgets(line, sizeof(line), stdin))
		take_turn(shared, (uint32_t)count);
	return 0;
}
