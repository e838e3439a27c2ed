/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel_vdso.h"

#include "base/error.h"
#include "payload/stub.h"

#include <errno.h>
#include <string.h>

/* ---- Its functions ------------------------------------------------------- */

const char *const tnb_vdso_forward_name[TNB_FORWARDS] = {
#define NAME(name, twin) [TNB_FORWARD_##name] = "__vdso_" #name,
	TNB_VDSO_FORWARDS(NAME)
#undef NAME
};

const char *tnb_vdso_reader_name(size_t i)
{
	static const char *const names[TNB_VDSO_JUMPS] = {
		"__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time",
		"__vdso_clock_gettime64"
	};

	return names[i];
}

static struct tnb_elf_function *reader(struct tnb_vdso *vdso, size_t i)
{
	struct tnb_elf_function *const readers[TNB_VDSO_JUMPS] = {
		&vdso->clock_gettime, &vdso->gettimeofday, &vdso->time,
		&vdso->clock_gettime64
	};

	return readers[i];
}

const struct tnb_elf_function *tnb_vdso_reader(const struct tnb_vdso *vdso,
					       size_t i)
{
	return reader((struct tnb_vdso *)vdso, i);
}

/* By the weak name if it has no other: it might be found by that one. */
static void find_function(const struct tnb_elf_image *elf, const char *name,
			  struct tnb_elf_function *function)
{
	const char *bare = name + strlen("__vdso_");

	if (tnb_elf_image_function(elf, name, &function->offset,
				   &function->size) &&
	    tnb_elf_image_function(elf, bare, &function->offset,
				   &function->size))
		*function = (struct tnb_elf_function){ 0 };
}

static void find_forwards(const struct tnb_elf_image *elf,
			  struct tnb_vdso *vdso)
{
	for (size_t i = 0; !elf->narrow && i < TNB_FORWARDS; i++)
		find_function(elf, tnb_vdso_forward_name[i], &vdso->forward[i]);
}

static int find_functions(const struct tnb_elf_image *elf,
			  struct tnb_vdso *vdso)
{
	find_forwards(elf, vdso);
	for (size_t i = 0; i < tnb_vdso_readers(vdso); i++) {
		find_function(elf, tnb_vdso_reader_name(i), reader(vdso, i));
		if (reader(vdso, i)->size < tnb_arch_jump_size(vdso->narrow))
			return tnb_fail(
				-EOPNOTSUPP,
				"the kernel's vDSO has an entry that is shorter than a jump");
	}
	return 0;
}

static uint32_t zeros_from(const uint8_t *bytes, uint64_t from, uint32_t size)
{
	uint64_t end = from;

	while (end < size && !bytes[end])
		end++;
	return (uint32_t)(end - from);
}

/* Aligned as code likes it. */
static uint64_t align_up(uint64_t offset)
{
	return (offset + 15) & ~15ull;
}

static void find_room(const struct tnb_elf_image *elf, struct tnb_vdso *vdso)
{
	uint64_t padding = align_up(elf->file_end);
	uint64_t tables = align_up(elf->loaded_end);

	if (padding > vdso->size)
		padding = vdso->size;
	vdso->room = (uint32_t)padding;
	vdso->room_size = zeros_from(elf->bytes, padding, vdso->size);
	/* What is not loaded of the file (names and headers of sections) lies
	 * in the mapping all the same. */
	if (vdso->room_size >= TNB_STUB_ROOM || tables >= padding)
		return;
	vdso->room_size += (uint32_t)(padding - tables);
	vdso->room = (uint32_t)tables;
}

/* Within a function: other code comes to its first byte. */
static void find_loops(const struct tnb_elf_image *elf, struct tnb_vdso *vdso)
{
	for (size_t i = 0; i < tnb_vdso_readers(vdso); i++) {
		uint32_t entry = tnb_vdso_reader(vdso, i)->offset;

		if (tnb_arch_may_come_back(
			    vdso->narrow, elf->bytes, entry,
			    entry + tnb_vdso_reader(vdso, i)->size, entry,
			    TNB_VDSO_SIZE_MAX))
			vdso->loops = true;
	}
}

static void save_originals(const struct tnb_elf_image *elf,
			   struct tnb_vdso *vdso)
{
	for (size_t i = 0; i < tnb_vdso_readers(vdso); i++)
		memcpy(vdso->original[i],
		       elf->bytes + tnb_vdso_reader(vdso, i)->offset,
		       tnb_arch_jump_size(vdso->narrow));
}

int tnb_kernel_vdso_look(struct tnb_vdso *vdso,
			 const struct tnb_vdso_maps *maps, const void *bytes,
			 struct tnb_elf_image *elf)
{
	int r;

	if (maps->vdso_end - maps->vdso > TNB_VDSO_SIZE_MAX ||
	    tnb_elf_image_open(elf, bytes, maps->vdso_end - maps->vdso))
		return tnb_fail(-EINVAL, "the kernel's vDSO cannot be read");
	vdso->size = (uint32_t)elf->size;
	vdso->narrow = elf->narrow;
	memcpy(vdso->header, bytes, sizeof(vdso->header));
	if (maps->vvar && maps->vvar < maps->vdso &&
	    maps->vdso - maps->vvar < TNB_VDSO_SIZE_MAX)
		vdso->vvar_below = (uint32_t)(maps->vdso - maps->vvar);
	r = find_functions(elf, vdso);
	if (r)
		return r;
	save_originals(elf, vdso);
	find_loops(elf, vdso);
	find_room(elf, vdso);
	return 0;
}

/* ---- For a process ----------------------------------------------------- */

void tnb_vdso_link(const struct tnb_vdso *vdso, uint64_t vdso_address,
		   uint32_t slot, uint64_t pass, struct tnb_vdso_link *link)
{
	*link = (struct tnb_vdso_link){
		.magic = TNB_VDSO_LINK_MAGIC,
		.slot = slot,
		.pass = pass,
		.vvar = *vdso->why_raw ? 0 : vdso_address - vdso->vvar_below,
		.vdso = vdso_address,
	};
	for (size_t i = 0; i < TNB_FORWARDS; i++)
		if (vdso->forward[i].offset)
			link->forward[i] =
				vdso_address + vdso->forward[i].offset;
}
