/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cancel: cancels threads that sleep in system calls. Prints how many it were
 * and how many of them cleaned up behind themselves: for that, the unwinder has
 * to find its way out of the call.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8

static int cleaned;

static void clean(int *unused)
{
	(void)unused;
	__atomic_add_fetch(&cleaned, 1, __ATOMIC_SEQ_CST);
}

static void *sleep_for_long(void *number)
{
	const struct timespec hour = { .tv_sec = 3600 };
	__attribute__((cleanup(clean))) int guarded = 0;

	(void)guarded;
	for (;;)
		if ((long)number % 2)
			nanosleep(&hour, NULL);
		else
			pause();
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS];

	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, sleep_for_long, (void *)i))
			return 1;
	/* Within the call, or before it: both have to end well. */
	usleep(100000);
	for (int i = 0; i < THREADS; i++)
		pthread_cancel(thread[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	printf("{\"threads\":%d,\"cleaned\":%d}\n", THREADS, cleaned);
	return 0;
}
