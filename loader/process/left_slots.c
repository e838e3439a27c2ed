/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "left_slots.h"

#include "base/cleanup.h"
#include "linked.h"
#include "rules/channel.h"
#include "rules/slots.h"

#include <errno.h>
#include <stdlib.h>

static void note(const struct tnb_linked *linked, void *context)
{
	bool *is_mapped = context;

	is_mapped[linked->page.link.slot] = true;
}

int tnb_left_slots_free(struct tnb *tnb)
{
	_cleanup_free_
	bool *is_mapped = calloc(TNB_SLOTS, sizeof(*is_mapped));
	int err = is_mapped ? tnb_linked_each(note, is_mapped) : -ENOMEM;

	for (__u32 slot = 1; !err && slot < TNB_SLOTS; slot++)
		if (!is_mapped[slot] && tnb_slot_is_left(tnb, slot))
			tnb_channel_allow_calls(tnb->loader, slot);
	return err;
}
