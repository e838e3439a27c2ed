/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vdso.h"

#include "../error.h"
#include "elf_image.h"
#include "exports.h"
#include "images.h"
#include "maps.h"
#include "self_check.h"

#include <bpf/btf.h>
#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* jmp *(%rip), and the address behind it: one instruction, so that whoever is
 * interrupted at the entry stands at its first byte, where the unwind tables
 * still hold (further on they tell of a prologue that is not there). */
#define JUMP_SIZE 14u
#define ROOM_WANTED 800u
#define VDSO_SIZE_MAX (64u * TNB_PAGE_SIZE)

/* ---- The kernel's vDSO ------------------------------------------------- */

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
	static const char *const names[TNB_FORWARDS] = {
#define NAME(name, twin) [TNB_FORWARD_##name] = "__vdso_" #name,
		TNB_VDSO_FORWARDS(NAME)
#undef NAME
	};

	for (size_t i = 0; i < TNB_FORWARDS; i++)
		find_function(elf, names[i], &vdso->forward[i]);
}

static int find_functions(const struct tnb_elf_image *elf,
			  struct tnb_vdso *vdso)
{
	find_function(elf, "__vdso_clock_gettime", &vdso->clock_gettime);
	find_function(elf, "__vdso_gettimeofday", &vdso->gettimeofday);
	find_function(elf, "__vdso_time", &vdso->time);
	find_forwards(elf, vdso);
	if (vdso->clock_gettime.size < JUMP_SIZE ||
	    vdso->gettimeofday.size < JUMP_SIZE || vdso->time.size < JUMP_SIZE)
		return tnb_fail(
			-EOPNOTSUPP,
			"the kernel's vDSO has an entry that is shorter than a jump");
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
	if (vdso->room_size >= ROOM_WANTED || tables >= padding)
		return;
	vdso->room_size += (uint32_t)(padding - tables);
	vdso->room = (uint32_t)tables;
}

/* Beyond the jumps, within functions. */
static uint32_t find_syscall(const struct tnb_elf_image *elf,
			     const struct tnb_vdso *vdso)
{
	const struct tnb_elf_function *const functions[] = {
		&vdso->forward[TNB_FORWARD_clock_getres], &vdso->clock_gettime,
		&vdso->gettimeofday, &vdso->forward[TNB_FORWARD_getrandom]
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		uint32_t at = functions[i]->offset + JUMP_SIZE;
		uint32_t end = functions[i]->offset + functions[i]->size;

		for (; at + 2 <= end && functions[i]->size; at++)
			if (elf->bytes[at] == 0x0f &&
			    elf->bytes[at + 1] == 0x05)
				return at;
	}
	return 0;
}

static int look_at_kernels(struct tnb_vdso *vdso,
			   const struct tnb_vdso_maps *maps,
			   struct tnb_elf_image *elf)
{
	int r;

	if (maps->vdso_end - maps->vdso > VDSO_SIZE_MAX ||
	    tnb_elf_image_open(elf, (const void *)maps->vdso,
			       maps->vdso_end - maps->vdso))
		return tnb_fail(-EINVAL, "the kernel's vDSO cannot be read");
	vdso->size = (uint32_t)elf->size;
	if (maps->vvar && maps->vvar < maps->vdso &&
	    maps->vdso - maps->vvar < VDSO_SIZE_MAX)
		vdso->vvar_below = (uint32_t)(maps->vdso - maps->vvar);
	r = find_functions(elf, vdso);
	if (r)
		return r;
	find_room(elf, vdso);
	vdso->syscall_insn = find_syscall(elf, vdso);
	return 0;
}

/* ---- The image --------------------------------------------------------- */

static void find_entries(struct tnb_vdso *vdso, const struct tnb_elf_image *elf)
{
	static const char *const names[TNB_VDSO_JUMPS] = {
		"__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time"
	};
	uint32_t size;

	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++)
		tnb_elf_image_function(elf, names[i], &vdso->entry[i], &size);
}

static void choose_image(struct tnb_vdso *vdso, enum tnb_vdso_layout_id layout,
			 const struct tnb_elf_image *kernels)
{
	struct tnb_elf_image elf;

	vdso->layout = tnb_vdso_layout_name[layout];
	memcpy(vdso->image, tnb_vdso_image(layout), TNB_PAGE_SIZE);
	/* Our own bytes: the build has seen to them. */
	if (tnb_elf_image_open(&elf, vdso->image, TNB_PAGE_SIZE))
		return;
	find_entries(vdso, &elf);
	tnb_exports_unknown(kernels, &elf, vdso->unknown,
			    sizeof(vdso->unknown));
	tnb_exports_hide(vdso->image, TNB_PAGE_SIZE, kernels);
}

static bool cpu_has_rdtscp(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && d & 1u << 27;
}

static enum tnb_vdso_layout_id find_layout(struct tnb_vdso *vdso)
{
	struct btf *btf = btf__load_vmlinux_btf();
	enum tnb_vdso_layout_id layout = tnb_vdso_layout_find(
		btf, vdso->vvar_below, vdso->why_raw, sizeof(vdso->why_raw));

	btf__free(btf);
	if (layout == TNB_LAYOUT_raw || cpu_has_rdtscp())
		return layout;
	snprintf(vdso->why_raw, sizeof(vdso->why_raw),
		 "the processor has no RDTSCP");
	return TNB_LAYOUT_raw;
}

int tnb_vdso_probe(struct tnb_vdso *vdso)
{
	struct tnb_vdso found = { 0 };
	struct tnb_vdso_maps maps;
	struct tnb_elf_image kernels;
	int r = tnb_vdso_maps_read(0, &maps);

	if (r)
		return tnb_fail(r, "no vDSO of the kernel: %s", strerror(-r));
	r = look_at_kernels(&found, &maps, &kernels);
	if (r)
		return r;
	choose_image(&found, find_layout(&found), &kernels);
	if (!found.why_raw[0] &&
	    tnb_vdso_self_check(&found, maps.vdso, found.why_raw,
				sizeof(found.why_raw)))
		choose_image(&found, TNB_LAYOUT_raw, &kernels);
	*vdso = found;
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
		.vvar = vdso_address - vdso->vvar_below,
		.vdso = vdso_address,
	};
	for (size_t i = 0; i < TNB_FORWARDS; i++)
		if (vdso->forward[i].offset)
			link->forward[i] =
				vdso_address + vdso->forward[i].offset;
}

static void write_jump(struct tnb_vdso_jump *jump, uint32_t offset,
		       uint64_t address)
{
	static const uint8_t jmp_indirect[6] = { 0xff, 0x25 };

	jump->offset = offset;
	jump->length = JUMP_SIZE;
	memset(jump->code, 0, sizeof(jump->code));
	memcpy(jump->code, jmp_indirect, sizeof(jmp_indirect));
	memcpy(jump->code + sizeof(jmp_indirect), &address, sizeof(address));
}

size_t tnb_vdso_jumps(const struct tnb_vdso *vdso, uint64_t image_address,
		      struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS])
{
	const uint32_t offsets[TNB_VDSO_JUMPS] = { vdso->clock_gettime.offset,
						   vdso->gettimeofday.offset,
						   vdso->time.offset };

	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++)
		write_jump(&jumps[i], offsets[i],
			   image_address + vdso->entry[i]);
	return TNB_VDSO_JUMPS;
}
