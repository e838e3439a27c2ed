/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "moves.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

void tnb_moves_add(struct tnb_moves *moves, pid_t pid)
{
	for (size_t i = 0; i < moves->count && i < TNB_MOVES; i++)
		if (moves->pid[i] == pid)
			return;
	if (moves->count < TNB_MOVES) {
		moves->pid[moves->count] = pid;
		moves->tries[moves->count] = 0;
	}
	if (moves->count <= TNB_MOVES)
		moves->count++;
}

void tnb_moves_add_all(struct tnb_moves *moves)
{
	moves->count = TNB_MOVES + 1;
}

int tnb_inbox_open(struct tnb_inbox *inbox)
{
	*inbox = (struct tnb_inbox){
		.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	pthread_mutex_init(&inbox->mutex, NULL);
	return inbox->wake < 0 ? tnb_fail(-errno, "cannot make an eventfd: %s",
					  strerror(errno))
			       : 0;
}

void tnb_inbox_close(struct tnb_inbox *inbox)
{
	tnb_cleanup_close(&inbox->wake);
	pthread_mutex_destroy(&inbox->mutex);
}

void tnb_inbox_add(struct tnb_inbox *inbox, pid_t pid)
{
	pthread_mutex_lock(&inbox->mutex);
	tnb_moves_add(&inbox->moves, pid);
	pthread_mutex_unlock(&inbox->mutex);
	eventfd_write(inbox->wake, 1);
}

void tnb_inbox_add_all(struct tnb_inbox *inbox)
{
	__atomic_store_n(&inbox->all, true, __ATOMIC_SEQ_CST);
	eventfd_write(inbox->wake, 1);
}

void tnb_inbox_take(struct tnb_inbox *inbox, struct tnb_moves *moves)
{
	eventfd_t news;

	eventfd_read(inbox->wake, &news);
	pthread_mutex_lock(&inbox->mutex);
	if (inbox->moves.count > TNB_MOVES)
		tnb_moves_add_all(moves);
	else
		for (size_t i = 0; i < inbox->moves.count; i++)
			tnb_moves_add(moves, inbox->moves.pid[i]);
	inbox->moves.count = 0;
	pthread_mutex_unlock(&inbox->mutex);
	if (__atomic_exchange_n(&inbox->all, false, __ATOMIC_SEQ_CST))
		tnb_moves_add_all(moves);
}
