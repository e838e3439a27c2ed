/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

#define FDS 8

/* Of descriptors plus one; 0: free. Atomic: threads fork at any time. */
static int registered[FDS];

/* Safe after fork() in a process of many threads (signal-safety(7)). */
static void close_all(void)
{
	for (int i = 0; i < FDS; i++)
		if (registered[i])
			close(registered[i] - 1);
}

static void begin(void)
{
	pthread_atfork(NULL, NULL, close_all);
}

static int exchange(int from, int to)
{
	for (int i = 0; i < FDS; i++) {
		int expected = from;

		if (__atomic_compare_exchange_n(&registered[i], &expected, to,
						false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return 0;
	}
	return -ENOSPC;
}

int tnb_close_on_fork(int fd)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, begin);
	return exchange(0, fd + 1);
}

void tnb_keep_on_fork(int fd)
{
	(void)!exchange(fd + 1, 0);
}
