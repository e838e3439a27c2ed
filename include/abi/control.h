/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the command and timensbpfd say to each other, by a Unix socket of type
 * SOCK_SEQPACKET, one message a packet. A connection carries one request.
 *
 *   command                     daemon
 *   request (SET: its cgroup) ->
 *                             <- ACCEPTED: it begins now
 *                             <- DONE: the result
 *   or
 *                             <- REFUSED: nothing was done, nor will be
 *
 * Invariants
 *  C1. The first three fields of every message stay as they are in all
 *      versions, so that each side can tell that it does not know the other.
 *  C2. Nothing is done before ACCEPTED is in the asker's hands: who closes or
 *      shuts the connection without having received it knows that the request
 *      is not and will not be carried out, and does it by itself.
 *
 * The cgroup comes as an open directory (SCM_RIGHTS), not as a path: a path
 * means another directory in the daemon's mount namespace, or after somebody
 * has removed the cgroup and made another of that name. An open one is checked
 * where it is opened, with the rights of who asks.
 */
#ifndef TIMENSBPF_ABI_CONTROL_H
#define TIMENSBPF_ABI_CONTROL_H

#include <linux/types.h>

#define TNB_CONTROL_DIR "/run/timensbpf"
#define TNB_CONTROL_PATH TNB_CONTROL_DIR "/control"

#define TNB_CONTROL_MAGIC 0x746e6263u /* "tnbc" */
#define TNB_CONTROL_VERSION 1u

enum tnb_control_op {
	/* Requests. SET and UNSET come with one descriptor, the cgroup. */
	TNB_CONTROL_SET = 1,
	TNB_CONTROL_UNSET,
	TNB_CONTROL_STATUS,
	/* Answers */
	TNB_CONTROL_ACCEPTED = 0x100,
	TNB_CONTROL_DONE,
	TNB_CONTROL_REFUSED,
};

struct tnb_control_header {
	__u32 magic;
	__u32 version;
	__u32 size; /* of the message, header included */
	__u32 op;   /* enum tnb_control_op */
};

#define TNB_CONTROL_CLOCKS 3
#define TNB_CONTROL_FORCE (1u << 0) /* flags: as TNB_FORCE */

/* struct tnb_change, and the flags; all 0 where the operation has none. */
struct tnb_control_request {
	struct tnb_control_header header;
	__u32 flags;
	__u8 given[TNB_CONTROL_CLOCKS]; /* 0 or 1 */
	__u8 realtime_is_date;		/* 0 or 1 */
	__s64 offset_ns[TNB_CONTROL_CLOCKS];
};

struct tnb_control_answer {
	struct tnb_control_header header;
	__s32 result; /* 0 or a negative errno */
	__u32 unused;
	char text[512]; /* the line for a failure, or the status */
};

_Static_assert(sizeof(struct tnb_control_header) == 16, "ABI");
_Static_assert(sizeof(struct tnb_control_request) == 48, "ABI");
_Static_assert(sizeof(struct tnb_control_answer) == 536, "ABI");

#endif
