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
 *  C2. The daemon begins only after ACCEPTED can be read by the command. A
 *      command that closes or shuts the connection without having received
 *      ACCEPTED knows that its request will not be carried out, and makes the
 *      change itself.
 *
 * The cgroup comes as an open directory (SCM_RIGHTS), not as a path. A path
 * may mean another directory in the daemon's mount namespace, or after the
 * cgroup was removed and another one of that name made. The directory is opened
 * by the command, with the rights of its user.
 */
#ifndef TIMENSBPF_ABI_CONTROL_H
#define TIMENSBPF_ABI_CONTROL_H

#include <linux/types.h>
#include <timensbpf/timensbpf.h>

#define TNB_CONTROL_DIR "/run/timensbpf"
#define TNB_CONTROL_PATH TNB_CONTROL_DIR "/control"

#define TNB_CONTROL_MAGIC 0x746e6263u /* "tnbc" */
#define TNB_CONTROL_VERSION 2u

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

#define TNB_CONTROL_FORCE (1u << 0) /* flags: as TNB_FORCE */

/* What an operation does not use is 0. */
struct tnb_control_request {
	struct tnb_control_header header;
	__u32 flags;			    /* SET and UNSET */
	__u32 unused;			    /* 0 */
	struct tnb_clock_settings settings; /* SET */
};

struct tnb_control_answer {
	struct tnb_control_header header;
	__s32 result; /* 0 or a negative errno */
	__u32 unused;
	char text[512]; /* the message of a failure, or the status */
	struct tnb_change_result change; /* of SET and UNSET, if result is 0 */
};

_Static_assert(sizeof(struct tnb_control_header) == 16, "ABI");
_Static_assert(sizeof(struct tnb_clock_settings) == 104, "ABI");
_Static_assert(sizeof(struct tnb_control_request) == 128, "ABI");
_Static_assert(sizeof(struct tnb_change_result) == 428, "ABI");
_Static_assert(sizeof(struct tnb_control_answer) == 964, "ABI");

#endif
