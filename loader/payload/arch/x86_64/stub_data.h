/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The data of stub.S, which follow its code (payload/stub.h). Offsets for
 * assembly and struct tnb_stub_data alike. */
#ifndef TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_STUB_DATA_H
#define TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_STUB_DATA_H

/* The code has to leave room for its data (TNB_STUB_ROOM of payload/stub.h). */
#define STUB_CODE_MAX 768

#define STUB_REGS 0 /* struct user_regs_struct, 27 words */
#define STUB_REG_R15 (STUB_REGS + 0)
#define STUB_REG_R14 (STUB_REGS + 8)
#define STUB_REG_R13 (STUB_REGS + 16)
#define STUB_REG_R12 (STUB_REGS + 24)
#define STUB_REG_RBP (STUB_REGS + 32)
#define STUB_REG_RBX (STUB_REGS + 40)
#define STUB_REG_R11 (STUB_REGS + 48)
#define STUB_REG_R10 (STUB_REGS + 56)
#define STUB_REG_R9 (STUB_REGS + 64)
#define STUB_REG_R8 (STUB_REGS + 72)
#define STUB_REG_RAX (STUB_REGS + 80)
#define STUB_REG_RCX (STUB_REGS + 88)
#define STUB_REG_RDX (STUB_REGS + 96)
#define STUB_REG_RSI (STUB_REGS + 104)
#define STUB_REG_RDI (STUB_REGS + 112)
#define STUB_REG_RIP (STUB_REGS + 128)
#define STUB_REG_FLAGS (STUB_REGS + 144)
#define STUB_REG_RSP (STUB_REGS + 152)
#define STUB_MASK 216	    /* signal mask to restore */
#define STUB_MAP_OFFSET 224 /* of the clock page in its map */
#define STUB_MAP_AT 232	    /* the three pages, 0: to be mapped, too */
#define STUB_MAP_FLAGS 240  /* of what is mapped anew */
#define STUB_FAR_IP 244	    /* where 32-bit code goes on: a far pointer */
#define STUB_FAR_CS 248	    /* 0: it is 64-bit code */

#define STUB_SOCKETS 0 /* int [2] at the frame's base, which is in r12 */
#define STUB_WAIT_S 5  /* seconds */

#ifndef __ASSEMBLER__

#include "payload/stub.h"

#include <linux/types.h>
#include <stddef.h>
#include <sys/user.h>

struct tnb_stub_data {
	struct user_regs_struct regs;
	__u64 mask;
	__u64 map_offset, map_at;
	__u32 map_flags, far_ip, far_cs, unused;
};

_Static_assert(STUB_CODE_MAX + sizeof(struct tnb_stub_data) <= TNB_STUB_ROOM,
	       "more than a vDSO has room for");
_Static_assert(offsetof(struct user_regs_struct, rip) == STUB_REG_RIP &&
		       offsetof(struct user_regs_struct, rsp) == STUB_REG_RSP,
	       "as in stub.S");
_Static_assert(offsetof(struct tnb_stub_data, mask) == STUB_MASK &&
		       offsetof(struct tnb_stub_data, map_offset) ==
			       STUB_MAP_OFFSET &&
		       offsetof(struct tnb_stub_data, map_at) == STUB_MAP_AT &&
		       offsetof(struct tnb_stub_data, map_flags) ==
			       STUB_MAP_FLAGS &&
		       offsetof(struct tnb_stub_data, far_ip) == STUB_FAR_IP &&
		       offsetof(struct tnb_stub_data, far_cs) == STUB_FAR_CS,
	       "as in stub.S");

#endif
#endif
