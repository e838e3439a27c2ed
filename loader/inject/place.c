/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process has no way to a file descriptor of ours, whatever namespaces it
 * lives in: it makes a pair of sockets, and we take the other end. Everything
 * that can fail leaves it to stub.S to go on without us.
 */
#define _GNU_SOURCE
#include "place.h"

#include "../cleanup.h"
#include "restart.h"
#include "stub.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <timensbpf/abi/vdso_link.h>
#include <unistd.h>

#define ALL_SIGNALS (~0ULL)
#define ROOM_MAX 2048
#define ADDRESS_ERRORS ((__u64)-4095)

/* ---- The stub ------------------------------------------------------------ */

static __u32 stub_code_size(void)
{
	return (__u32)(tnb_stub_end - tnb_stub_begin);
}

__u32 tnb_place_room(void)
{
	return stub_code_size() + (__u32)sizeof(struct tnb_stub_data);
}

static int write_stub(const struct tnb_remote *remote,
		      const struct tnb_place *place,
		      const struct tnb_stub_data *data)
{
	unsigned char stub[ROOM_MAX];

	if (tnb_place_room() > place->room_size ||
	    tnb_place_room() > sizeof(stub))
		return -ENOSPC;
	memcpy(stub, tnb_stub_begin, stub_code_size());
	memcpy(stub + stub_code_size(), data, sizeof(*data));
	return tnb_remote_write(remote, place->room, stub, tnb_place_room());
}

/*
 * First the code, then the way to it, then the mask: wherever we end, the
 * process either does not come here or restores what it was.
 */
static int enter_stub(struct tnb_remote *remote, const struct tnb_place *place)
{
	struct tnb_stub_data data = {
		.map_offset = (__u64)place->slot * TNB_PAGE_SIZE,
		.map_at = place->at,
	};
	struct user_regs_struct regs;
	int err = tnb_remote_get_regs(remote, &data.regs);

	regs = data.regs;
	if (!err)
		err = tnb_remote_get_mask(remote, &data.mask);
	if (err)
		return err;
	/* The kernel will not do so for a thread that is elsewhere. */
	tnb_restart_as_kernel(&data.regs);
	err = write_stub(remote, place, &data);
	if (err)
		return err;
	regs.rip = place->room;
	/* No system call to be made again there. */
	regs.orig_rax = ALL_SIGNALS;
	err = tnb_remote_set_regs(remote, &regs);
	return err ? err : tnb_remote_set_mask(remote, ALL_SIGNALS);
}

static bool is_in_room(const struct tnb_place *place, __u64 ip)
{
	return ip - place->room < place->room_size;
}

static bool is_in_stub(const struct tnb_place *place, __u64 ip)
{
	return ip >= place->room && ip < place->room + stub_code_size();
}

/* ---- The channel --------------------------------------------------------- */

static int take_socket(pid_t pid, int number)
{
	_cleanup_close_
	int process = (int)syscall(SYS_pidfd_open, pid, 0);
	int fd;

	if (process < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);
	return fd < 0 ? -errno : fd;
}

static int send_map(int channel, int map)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &map, sizeof(map));
	return sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1
		       ? 0
		       : -errno;
}

/* At the end of socketpair(2), with the process stopped. */
static int open_channel(struct tnb_remote *remote, int map)
{
	struct user_regs_struct regs;
	__u32 sockets[2];
	int channel, err = tnb_remote_get_regs(remote, &regs);

	if (err)
		return err;
	/* Of one for which mmap(2) failed it is the mask's restoring. */
	if (regs.orig_rax != SYS_socketpair)
		return -EPERM;
	if (regs.rax)
		return (int)regs.rax == -ENFILE ? -EMFILE : (int)regs.rax;
	err = tnb_remote_read(remote, regs.r12 + STUB_SOCKETS, sockets,
			      sizeof(sockets));
	if (err)
		return err;
	channel = take_socket(remote->tgid, (int)sockets[1]);
	if (channel < 0)
		return channel;
	err = send_map(channel, map);
	if (err) {
		close(channel);
		return err;
	}
	return channel;
}

#define LOOK_EVERY_MS 1

/* A SIGSTOP or SIGCONT of somebody else may stop the stub meanwhile; after one
 * the next is looked for at once, as it would stop it before its next step. */
static int wait_for_word(struct tnb_remote *remote, int channel)
{
	struct pollfd word = { .fd = channel, .events = POLLIN };
	int stopped = 0;

	while (stopped >= 0 && poll(&word, 1, stopped ? 0 : LOOK_EVERY_MS) <= 0)
		stopped = tnb_remote_keep_running(remote);
	return stopped < 0 ? stopped : 0;
}

static int receive_address(struct tnb_remote *remote, int channel,
			   __u64 *address)
{
	int err = wait_for_word(remote, channel);

	if (err)
		return err;
	if (recv(channel, address, sizeof(*address), MSG_DONTWAIT) !=
	    sizeof(*address))
		return -EPERM;
	return *address >= ADDRESS_ERRORS ? (int)*address : 0;
}

/* ---- Both ---------------------------------------------------------------- */

/* The stub waits: have it stop there. */
static int stop_in_stub(struct tnb_remote *remote,
			const struct tnb_place *place)
{
	struct user_regs_struct regs;
	int err = tnb_remote_interrupt(remote);

	if (!err)
		err = tnb_remote_wait(remote);
	if (!err)
		err = tnb_remote_get_regs(remote, &regs);
	if (!err && !is_in_stub(place, regs.rip))
		err = -ETIMEDOUT;
	return err;
}

static int run_stub(struct tnb_remote *remote, const struct tnb_place *place,
		    __u64 *address, int *channel)
{
	int received, err = 0;

	/* Entries and exits of mmap(2) and socketpair(2). */
	for (int i = 0; !err && i < 4; i++)
		err = tnb_remote_to_syscall(remote);
	if (err)
		return err;
	*channel = open_channel(remote, place->map);
	if (*channel < 0)
		return *channel;
	err = tnb_remote_continue(remote);
	if (err)
		return err;
	received = receive_address(remote, *channel, address);
	/* Its budget is spent: it stops there, and nobody waits for that. */
	if (received == -ETIMEDOUT)
		err = tnb_remote_interrupt(remote) ? -ESRCH : -ETIMEDOUT;
	else
		err = stop_in_stub(remote, place);
	return err ? err : received;
}

int tnb_place(struct tnb_remote *remote, const struct tnb_place *place,
	      __u64 *address, int *channel)
{
	int err = tnb_remote_suspend_filters(remote, true);

	*channel = -1;
	if (!err)
		err = enter_stub(remote, place);
	if (!err)
		err = run_stub(remote, place, address, channel);
	if (err)
		tnb_place_close(channel);
	return err;
}

void tnb_place_close(int *channel)
{
	if (*channel < 0)
		return;
	shutdown(*channel, SHUT_RDWR);
	close(*channel);
	*channel = -1;
}

/* System calls of the stub after the pages were filled, times two. */
#define STOPS_MAX 16

/* The exit of its last system call: at the entry the result is still -ENOSYS.
 * 0: it is in the stub, and not there yet. 1: it is. 2: it is elsewhere. */
static int is_at_end(const struct tnb_remote *remote,
		     const struct tnb_place *place)
{
	struct user_regs_struct regs;
	int err = tnb_remote_get_regs(remote, &regs);

	if (err)
		return err;
	if (!is_in_room(place, regs.rip))
		return 2;
	return regs.orig_rax == SYS_rt_sigprocmask && !regs.rax;
}

int tnb_place_leave(struct tnb_remote *remote, const struct tnb_place *place,
		    int *channel)
{
	int err, end = is_at_end(remote, place);

	tnb_place_close(channel);
	for (int i = 0; !end && i < STOPS_MAX; i++) {
		err = tnb_remote_to_syscall(remote);
		end = err ? err : is_at_end(remote, place);
	}
	if (end < 0)
		return remote->gone ? -ESRCH : -ETIMEDOUT;
	err = tnb_remote_suspend_filters(remote, false);
	if (err)
		return -ETIMEDOUT;
	return !end ? -ETIMEDOUT : end == 2;
}

int tnb_place_return(struct tnb_remote *remote,
		     const struct user_regs_struct *regs)
{
	int err = tnb_remote_interrupt(remote);

	if (!err)
		err = tnb_remote_continue(remote);
	if (!err)
		err = tnb_remote_wait(remote);
	return err ? err : tnb_remote_set_regs(remote, regs);
}
