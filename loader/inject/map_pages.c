/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process has no way to a file descriptor of ours, whatever namespaces it
 * lives in: it makes a pair of sockets, and we take the other end. Everything
 * that can fail leaves it to stub.S to go on without us.
 */
#define _GNU_SOURCE
#include "map_pages.h"

#include "base/cleanup.h"
#include "payload/stub.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <abi/vdso_link.h>
#include <unistd.h>

#define ALL_SIGNALS (~0ULL)
#define ROOM_MAX 2048
#define ADDRESS_ERRORS ((__u64)-4095)

/* ---- The stub ------------------------------------------------------------ */

static __u32 stub_code_size(void)
{
	return (__u32)(tnb_stub_end - tnb_stub_begin);
}

static int write_stub(const struct tnb_tracee *tracee,
		      const struct tnb_mapping_place *place,
		      const struct tnb_stub_task *task)
{
	unsigned char stub[ROOM_MAX], data[TNB_STUB_DATA_MAX];
	size_t code_size = stub_code_size();
	size_t size = tnb_stub_data(task, data);

	if (code_size + size > place->room_size ||
	    code_size + size > sizeof(stub))
		return -ENOSPC;
	memcpy(stub, tnb_stub_begin, code_size);
	memcpy(stub + code_size, data, size);
	return tnb_tracee_write(tracee, place->room, stub, code_size + size);
}

/* A process is never sent to a call that its filters may punish, even if we die
 * meanwhile. */
static int check_filters(const struct tnb_tracee *tracee,
			 const struct tnb_stub_task *task)
{
	struct tnb_filter_call calls[TNB_STUB_CALLS_MAX];

	if (tracee->strict)
		return -EPERM;
	if (!tracee->filter)
		return 0;
	return tnb_filters_allow(tracee->tid, calls,
				 tnb_stub_calls(task, calls))
		       ? -EPERM
		       : 0;
}

/* What the thread would be sent to do, if that is allowed. */
static int find_task(const struct tnb_tracee *tracee,
		     const struct tnb_mapping_place *place,
		     struct tnb_stub_task *task)
{
	int err;

	*task = (struct tnb_stub_task){
		.map_offset = place->offset,
		.map_at = place->at,
	};
	err = tnb_tracee_get_regs(tracee, &task->regs);
	return err ? err : check_filters(tracee, task);
}

int tnb_map_pages_check(const struct tnb_tracee *tracee,
			const struct tnb_mapping_place *place)
{
	struct tnb_stub_task task;

	return find_task(tracee, place, &task);
}

/*
 * First the code, then the way to it, then the mask: wherever we end, the
 * process either does not come here or restores what it was.
 */
static int enter_stub(struct tnb_tracee *tracee,
		      const struct tnb_mapping_place *place)
{
	struct tnb_stub_task task;
	struct tnb_registers regs;
	struct tnb_call_end end;
	int err = find_task(tracee, place, &task);

	regs = task.regs;
	if (!err)
		err = tnb_call_end_get(tracee->tid, &end);
	if (!err)
		err = tnb_tracee_get_mask(tracee, &task.mask);
	if (err)
		return err;
	/* The kernel will not do so for a thread that is elsewhere. */
	tnb_registers_restart(&task.regs, end.compat);
	err = write_stub(tracee, place, &task);
	if (err)
		return err;
	tnb_registers_leave(&regs, place->room);
	err = tnb_tracee_set_regs(tracee, &regs);
	return err ? err : tnb_tracee_set_mask(tracee, ALL_SIGNALS);
}

static bool is_in_room(const struct tnb_mapping_place *place, __u64 ip)
{
	return ip - place->room < place->room_size;
}

static bool is_in_stub(const struct tnb_mapping_place *place, __u64 ip)
{
	return ip >= place->room && ip < place->room + stub_code_size();
}

/* ---- The socket --------------------------------------------------------- */

static int take_socket(pid_t pid, int number)
{
	_cleanup_close_
	int process = pidfd_open(pid, 0);
	int fd;

	if (process < 0)
		return -errno;
	fd = pidfd_getfd(process, number, 0);
	return fd < 0 ? -errno : fd;
}

static int send_map(int socket, int map)
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
	return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1
		       ? 0
		       : -errno;
}

/* At the end of socketpair(2), with the process stopped. */
static int open_socket(struct tnb_tracee *tracee, int map)
{
	struct tnb_registers regs;
	__u32 sockets[2];
	long result;
	int socket, err = tnb_tracee_get_regs(tracee, &regs);

	if (err)
		return err;
	/* Of one for which mmap(2) failed it is the mask's restoring. */
	if (tnb_registers_call(&regs) != SYS_socketpair)
		return -EPERM;
	result = tnb_registers_result(&regs);
	if (result)
		return result == -ENFILE ? -EMFILE : (int)result;
	err = tnb_tracee_read(tracee, tnb_stub_sockets(&regs), sockets,
			      sizeof(sockets));
	if (err)
		return err;
	socket = take_socket(tracee->tgid, (int)sockets[1]);
	if (socket < 0)
		return socket;
	err = send_map(socket, map);
	if (err) {
		close(socket);
		return err;
	}
	return socket;
}

#define LOOK_EVERY_MS 1

/* A SIGSTOP or SIGCONT of another process may stop the stub meanwhile; after
 * one the next is looked for at once, as it would stop it before its next step.
 */
static int wait_for_word(struct tnb_tracee *tracee, int socket)
{
	struct pollfd word = { .fd = socket, .events = POLLIN };
	int stopped = 0;

	while (stopped >= 0 && poll(&word, 1, stopped ? 0 : LOOK_EVERY_MS) <= 0)
		stopped = tnb_tracee_keep_running(tracee);
	return stopped < 0 ? stopped : 0;
}

static int receive_address(struct tnb_tracee *tracee, int socket,
			   __u64 *address)
{
	int err = wait_for_word(tracee, socket);

	if (err)
		return err;
	if (recv(socket, address, sizeof(*address), MSG_DONTWAIT) !=
	    sizeof(*address))
		return -EPERM;
	return *address >= ADDRESS_ERRORS ? (int)*address : 0;
}

/* ---- Both ---------------------------------------------------------------- */

/* The stub waits: have it stop there. */
static int stop_in_stub(struct tnb_tracee *tracee,
			const struct tnb_mapping_place *place)
{
	struct tnb_registers regs;
	int err = tnb_tracee_interrupt(tracee);

	if (!err)
		err = tnb_tracee_wait(tracee);
	if (!err)
		err = tnb_tracee_get_regs(tracee, &regs);
	if (!err && !is_in_stub(place, tnb_registers_pc(&regs)))
		err = -ETIMEDOUT;
	return err;
}

static int run_stub(struct tnb_tracee *tracee,
		    const struct tnb_mapping_place *place, __u64 *address,
		    int *socket)
{
	int received, err = 0;

	/* Entries and exits of mmap(2) and socketpair(2). */
	for (int i = 0; !err && i < 4; i++)
		err = tnb_tracee_to_syscall(tracee);
	if (err)
		return err;
	*socket = open_socket(tracee, place->map);
	if (*socket < 0)
		return *socket;
	err = tnb_tracee_continue(tracee);
	if (err)
		return err;
	received = receive_address(tracee, *socket, address);
	/* Its budget is spent: it stops there, which is not waited for. */
	if (received == -ETIMEDOUT)
		err = tnb_tracee_interrupt(tracee) ? -ESRCH : -ETIMEDOUT;
	else
		err = stop_in_stub(tracee, place);
	return err ? err : received;
}

int tnb_map_pages(struct tnb_tracee *tracee,
		  const struct tnb_mapping_place *place, __u64 *address,
		  int *socket)
{
	int err = enter_stub(tracee, place);

	*socket = -1;
	if (!err)
		err = run_stub(tracee, place, address, socket);
	if (err)
		tnb_map_pages_close(socket);
	return err;
}

void tnb_map_pages_close(int *socket)
{
	if (*socket < 0)
		return;
	shutdown(*socket, SHUT_RDWR);
	close(*socket);
	*socket = -1;
}

/* System calls of the stub after the pages were filled, times two. */
#define STOPS_MAX 16

/* The exit of its last system call: at the entry the result is still -ENOSYS.
 * 0: it is in the stub, and not there yet. 1: it is. 2: it is elsewhere. */
static int is_at_end(const struct tnb_tracee *tracee,
		     const struct tnb_mapping_place *place)
{
	struct tnb_registers regs;
	int err = tnb_tracee_get_regs(tracee, &regs);

	if (err)
		return err;
	if (!is_in_room(place, tnb_registers_pc(&regs)))
		return 2;
	return tnb_registers_call(&regs) == SYS_rt_sigprocmask &&
	       !tnb_registers_result(&regs);
}

int tnb_map_pages_leave(struct tnb_tracee *tracee,
			const struct tnb_mapping_place *place, int *socket)
{
	int err, end = 0;

	tnb_map_pages_close(socket);
	/* It is where we cannot have sent it. */
	if (tracee->executed)
		return 1;
	end = is_at_end(tracee, place);
	for (int i = 0; !end && i < STOPS_MAX; i++) {
		err = tnb_tracee_to_syscall(tracee);
		end = err ? err : is_at_end(tracee, place);
	}
	if (tracee->executed)
		return 1;
	if (end < 0)
		return tracee->gone ? -ESRCH : -ETIMEDOUT;
	return !end ? -ETIMEDOUT : end == 2;
}

int tnb_map_pages_return(struct tnb_tracee *tracee,
			 const struct tnb_registers *regs)
{
	int err = tnb_tracee_interrupt(tracee);

	if (!err)
		err = tnb_tracee_continue(tracee);
	if (!err)
		err = tnb_tracee_wait(tracee);
	return err ? err : tnb_tracee_set_regs(tracee, regs);
}
