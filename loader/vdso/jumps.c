/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "jumps.h"

#include <string.h>

/* ---- What is written ----------------------------------------------------- */

static void write_jump(const struct tnb_vdso *vdso, struct tnb_vdso_jump *jump,
		       uint64_t base, uint32_t offset, uint64_t to)
{
	jump->offset = offset;
	jump->length = (uint8_t)tnb_arch_jump_size(vdso->narrow);
	tnb_arch_jump_write(jump->code, vdso->narrow, base + offset, to);
}

size_t tnb_vdso_jumps(const struct tnb_vdso *vdso, uint64_t vdso_address,
		      uint64_t image_address,
		      struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS])
{
	for (size_t i = 0; i < tnb_vdso_readers(vdso); i++)
		write_jump(vdso, &jumps[i], vdso_address,
			   tnb_vdso_reader(vdso, i)->offset,
			   image_address + vdso->entry[i]);
	return tnb_vdso_readers(vdso);
}

size_t tnb_vdso_jumps_back(const struct tnb_vdso *vdso, uint64_t vdso_address,
			   uint64_t image_address,
			   struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS])
{
	for (size_t i = 0; i < tnb_vdso_readers(vdso); i++)
		write_jump(vdso, &jumps[i], image_address, vdso->entry[i],
			   vdso_address + tnb_vdso_reader(vdso, i)->offset);
	return tnb_vdso_readers(vdso);
}

size_t tnb_vdso_originals(const struct tnb_vdso *vdso,
			  struct tnb_vdso_jump originals[TNB_VDSO_JUMPS])
{
	for (size_t i = 0; i < tnb_vdso_readers(vdso); i++) {
		originals[i].offset = tnb_vdso_reader(vdso, i)->offset;
		originals[i].length = (uint8_t)tnb_arch_jump_size(vdso->narrow);
		memcpy(originals[i].code, vdso->original[i],
		       tnb_arch_jump_size(vdso->narrow));
	}
	return tnb_vdso_readers(vdso);
}

/* ---- Where a thread stands ---------------------------------------------- */

static bool is_replaced(const struct tnb_vdso *vdso, uint64_t entry,
			uint64_t offset)
{
	return offset > entry &&
	       offset < entry + tnb_arch_jump_size(vdso->narrow);
}

static bool is_within(const struct tnb_elf_function *function, uint64_t offset)
{
	return function->size && offset >= function->offset &&
	       offset - function->offset < function->size;
}

bool tnb_vdso_is_patched(const struct tnb_vdso *vdso, uint64_t offset)
{
	if (offset >= vdso->room && offset - vdso->room < vdso->room_size)
		return true;
	for (size_t i = 0; i < tnb_vdso_readers(vdso); i++) {
		const struct tnb_elf_function *function =
			tnb_vdso_reader(vdso, i);

		if (is_replaced(vdso, function->offset, offset) ||
		    (vdso->loops && is_within(function, offset) &&
		     offset != function->offset))
			return true;
	}
	return false;
}

bool tnb_vdso_image_is_patched(const struct tnb_vdso *vdso, uint64_t offset)
{
	if (vdso->image_loops)
		return tnb_vdso_image_is_reader(vdso, vdso->image, offset);
	for (size_t i = 0; i < tnb_vdso_readers(vdso); i++)
		if (is_replaced(vdso, vdso->entry[i], offset))
			return true;
	return false;
}

bool tnb_vdso_image_is_same(const struct tnb_vdso *vdso, const uint8_t *image)
{
	for (size_t i = 0; i < TNB_PAGE_SIZE; i++) {
		bool replaced = false;

		if (image[i] == vdso->image[i])
			continue;
		for (size_t j = 0; j < tnb_vdso_readers(vdso); j++)
			replaced |= i - vdso->entry[j] <
				    tnb_arch_jump_size(vdso->narrow);
		if (!replaced)
			return false;
	}
	return true;
}

bool tnb_vdso_image_is_code(const struct tnb_vdso *vdso, uint64_t offset)
{
	if (offset < vdso->image_code || offset >= TNB_PAGE_SIZE)
		return false;
	for (size_t i = 0; i < tnb_vdso_readers(vdso); i++)
		if (offset == vdso->entry[i])
			return false;
	/* Jumps, one instruction each. */
	for (size_t i = 0; i < TNB_FORWARDS; i++)
		if (offset == vdso->image_forward[i])
			return false;
	return true;
}

/* Nothing is read after a system call: its answer is the answer. */
bool tnb_vdso_image_is_reader(const struct tnb_vdso *vdso, const uint8_t *image,
			      uint64_t offset)
{
	return tnb_vdso_image_is_code(vdso, offset) &&
	       !tnb_arch_is_behind_syscall(image, offset);
}
