/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "inject/arch.h"
#include "payload/arch/x86_64/stub_data.h"

#include <abi/page.h>
#include <linux/audit.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>

_Static_assert(sizeof(struct tnb_stub_data) <= TNB_STUB_DATA_MAX,
	       "more data than there is room for");

#define MAP_ANEW (MAP_PRIVATE | MAP_ANONYMOUS)

/* Calls of 64-bit code would find no room that 32-bit code reaches. */
static __u32 map_flags(const struct tnb_stub_task *task)
{
	return MAP_ANEW |
	       (tnb_registers_are_narrow(&task->regs) ? MAP_32BIT : 0);
}

size_t tnb_stub_data(const struct tnb_stub_task *task,
		     unsigned char data[TNB_STUB_DATA_MAX])
{
	struct tnb_stub_data stub = {
		.mask = task->mask,
		.map_offset = task->map_offset,
		.map_at = task->map_at,
		.map_flags = map_flags(task),
	};

	memcpy(&stub.regs, task->regs.word, sizeof(stub.regs));
	if (tnb_registers_are_narrow(&task->regs)) {
		stub.far_ip = (__u32)stub.regs.rip;
		stub.far_cs = (__u32)stub.regs.cs;
	}
	memcpy(data, &stub, sizeof(stub));
	return sizeof(stub);
}

/* stub.S keeps the address of its frame in a register. */
__u64 tnb_stub_sockets(const struct tnb_registers *regs)
{
	const struct user_regs_struct *user =
		(const struct user_regs_struct *)regs->word;

	return user->r12 + STUB_SOCKETS;
}

/* ---- Its system calls ---------------------------------------------------- */

__u32 tnb_audit_arch(bool narrow)
{
	return narrow ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
}

#define KERNEL_SIGSET 8

/* Arguments, and which of them are known; in the order of stub.S. */
size_t tnb_stub_calls(const struct tnb_stub_task *task,
		      struct tnb_filter_call calls[TNB_STUB_CALLS_MAX])
{
	const struct tnb_filter_call made[] = {
		{ SYS_mmap,
		  0x3f,
		  { 0, TNB_PAGE_SIZE, PROT_READ | PROT_WRITE, map_flags(task),
		    (__u64)-1, 0 },
		  false },
		{ SYS_socketpair,
		  0x7,
		  { AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0 },
		  false },
		{ SYS_close, 0, { 0 }, false },
		{ SYS_recvmsg,
		  0x4,
		  { 0, 0, MSG_DONTWAIT | MSG_CMSG_CLOEXEC },
		  false },
		{ SYS_mmap,
		  0x2e,
		  { 0, TNB_PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, 0,
		    task->map_offset },
		  false },
		{ SYS_sendto, 0x3c, { 0, 0, 8, MSG_NOSIGNAL, 0, 0 }, false },
		{ SYS_setsockopt,
		  0x16,
		  { 0, SOL_SOCKET, SO_RCVTIMEO, 0, sizeof(struct timeval) },
		  false },
		{ SYS_recvfrom, 0x3c, { 0, 0, 1, 0, 0, 0 }, false },
		{ SYS_munmap, 0x2, { 0, TNB_PAGE_SIZE }, false },
		{ SYS_rt_sigprocmask,
		  0xd,
		  { SIG_SETMASK, 0, 0, KERNEL_SIGSET },
		  false },
		/* Of a process that has no pages yet. */
		{ SYS_mmap,
		  0x3f,
		  { 0, 3 * TNB_PAGE_SIZE, PROT_READ | PROT_EXEC,
		    map_flags(task), (__u64)-1, 0 },
		  false },
		{ SYS_munmap, 0x2, { 0, 3 * TNB_PAGE_SIZE }, false },
	};
	size_t count = sizeof(made) / sizeof(*made) - (task->map_at ? 2 : 0);

	_Static_assert(sizeof(made) <= TNB_STUB_CALLS_MAX * sizeof(*made),
		       "more calls than there is room for");
	memcpy(calls, made, count * sizeof(*made));
	return count;
}
