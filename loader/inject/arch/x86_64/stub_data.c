/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inject/arch.h"
#include "payload/arch/x86_64/stub_data.h"

#include <string.h>

_Static_assert(sizeof(struct tnb_stub_data) <= TNB_STUB_DATA_MAX,
	       "more data than there is room for");

size_t tnb_stub_data(const struct tnb_stub_task *task,
		     unsigned char data[TNB_STUB_DATA_MAX])
{
	struct tnb_stub_data stub = {
		.mask = task->mask,
		.map_offset = task->map_offset,
		.map_at = task->map_at,
	};

	memcpy(&stub.regs, task->regs.word, sizeof(stub.regs));
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
