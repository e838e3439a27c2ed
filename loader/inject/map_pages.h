/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Having a stopped process map the three pages of abi/vdso_link.h. */
#ifndef TIMENSBPF_LOADER_INJECT_MAP_PAGES_H
#define TIMENSBPF_LOADER_INJECT_MAP_PAGES_H

#include "tracee.h"

struct tnb_mapping_place {
	int map;	 /* that its clock page is in */
	__u64 offset;	 /* there */
	__u64 at;	 /* its pages of an earlier time, 0: it has none */
	__u64 room;	 /* where the stub goes, in the process */
	__u32 room_size; /* in bytes */
};

/*
 * Let the thread map the pages and wait for us. It is stopped before and
 * after. *address: of the first page; *socket: an fd to be closed, which lets
 * the process go on where it was when it is let go of.
 *
 * -EMFILE no file descriptors, -EPERM a call was refused, or a seccomp filter
 * may refuse one, -ESRCH it ended or executed another program, -ETIMEDOUT. On
 * failure it is stopped or gone, and goes on by itself.
 */
TNB_MUST_CHECK int tnb_map_pages(struct tnb_tracee *tracee,
				 const struct tnb_mapping_place *place,
				 __u64 *address, int *socket);

/* Whether all seccomp filters of the thread, which is stopped, allow what it
 * would be made to do. 0, -EPERM or another negative errno. */
TNB_MUST_CHECK int tnb_map_pages_check(const struct tnb_tracee *tracee,
				       const struct tnb_mapping_place *place);

/* Let the stub, which waits for it, go on; also if another process of ours has
 * the socket open. Sets *socket to -1, which is accepted as well. */
void tnb_map_pages_close(int *socket);

/*
 * Have the stub run to its last system call. Closes the socket. 1: it is not in
 * the stub (any more). -ESRCH, -ETIMEDOUT.
 */
TNB_MUST_CHECK int tnb_map_pages_leave(struct tnb_tracee *tracee,
				       const struct tnb_mapping_place *place,
				       int *socket);

/*
 * After that, have it go on where it was before tnb_map_pages(), with these
 * registers: the kernel decides whether it makes an interrupted system call
 * again, because it knows which signals have come since.
 */
TNB_MUST_CHECK int tnb_map_pages_return(struct tnb_tracee *tracee,
					const struct tnb_registers *regs);

#endif
