/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel_vdso.h"

#include "base/error.h"
#include "base/test_hooks.h"
#include "elf_image.h"
#include "exports.h"
#include "images.h"
#include "base/maps.h"
#include "self_check.h"

#include <bpf/btf.h>
#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jmp *(%rip), and the address behind it: one instruction, so that whoever is
 * interrupted at the entry stands at its first byte, where the unwind tables
 * still hold (further on they tell of a prologue that is not there). */
#define JUMP_SIZE 14u
/* As loader/payload/stub.S needs. */
#define ROOM_WANTED 896u
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

static const char *const forward_names[TNB_FORWARDS] = {
#define NAME(name, twin) [TNB_FORWARD_##name] = "__vdso_" #name,
	TNB_VDSO_FORWARDS(NAME)
#undef NAME
};

static void find_forwards(const struct tnb_elf_image *elf,
			  struct tnb_vdso *vdso)
{
	for (size_t i = 0; i < TNB_FORWARDS; i++)
		find_function(elf, forward_names[i], &vdso->forward[i]);
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

/* In the order of the entries. */
static const struct tnb_elf_function *reader(const struct tnb_vdso *vdso,
					     size_t i)
{
	return i == 0	? &vdso->clock_gettime
	       : i == 1 ? &vdso->gettimeofday
			: &vdso->time;
}

static bool is_replaced(uint64_t entry, uint64_t offset)
{
	return offset > entry && offset < entry + JUMP_SIZE;
}

/*
 * Whether a jump or call in [from, to) may lead to what replaces the entry.
 * Without knowing where instructions begin: any byte may be one, which says
 * "may" now and then where there is none, and then more is waited for.
 */
static bool may_come_back(const uint8_t *code, uint32_t from, uint32_t to,
			  uint32_t entry)
{
	for (uint32_t at = from; at + 6 <= to; at++) {
		uint8_t opcode = code[at];
		int32_t near;

		memcpy(&near, code + at + 1 + (opcode == 0x0f), sizeof(near));
		if (((opcode >= 0x70 && opcode <= 0x7f) || opcode == 0xeb ||
		     (opcode >= 0xe0 && opcode <= 0xe3)) &&
		    is_replaced(entry, at + 2 + (int8_t)code[at + 1]))
			return true;
		if ((opcode == 0xe8 || opcode == 0xe9) &&
		    is_replaced(entry, at + 5 + near))
			return true;
		if (opcode == 0x0f && (code[at + 1] & 0xf0) == 0x80 &&
		    is_replaced(entry, at + 6 + near))
			return true;
		/* A call's return address, if it leads anywhere. */
		if (opcode == 0xe8 && is_replaced(entry, at + 5) &&
		    at + 5 + (int64_t)near >= 0 &&
		    at + 5 + (int64_t)near < VDSO_SIZE_MAX)
			return true;
	}
	return false;
}

/* Within a function: others come to its first byte. */
static void find_loops(const struct tnb_elf_image *elf, struct tnb_vdso *vdso)
{
	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++) {
		uint32_t entry = reader(vdso, i)->offset;

		if (may_come_back(elf->bytes, entry,
				  entry + reader(vdso, i)->size, entry))
			vdso->loops = true;
	}
}

static void find_image_loops(struct tnb_vdso *vdso)
{
	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++)
		if (may_come_back(vdso->image, vdso->image_code, TNB_PAGE_SIZE,
				  vdso->entry[i]))
			vdso->image_loops = true;
}

static void save_originals(const struct tnb_elf_image *elf,
			   struct tnb_vdso *vdso)
{
	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++)
		memcpy(vdso->original[i], elf->bytes + reader(vdso, i)->offset,
		       JUMP_SIZE);
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
	save_originals(elf, vdso);
	find_loops(elf, vdso);
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
	for (size_t i = 0; i < TNB_FORWARDS; i++)
		tnb_elf_image_function(elf, forward_names[i],
				       &vdso->image_forward[i], &size);
	vdso->image_code = (uint32_t)elf->entry;
	find_image_loops(vdso);
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

/* Tests name another kernel's layout, to see it found out. */
static bool is_forced(enum tnb_vdso_layout_id *layout)
{
	const char *name = tnb_test_value("TIMENSBPF_TEST_LAYOUT");

	for (int i = 0; name && i <= TNB_LAYOUT_raw; i++) {
		*layout = (enum tnb_vdso_layout_id)i;
		if (!strcmp(name, tnb_vdso_layout_name[i]))
			return true;
	}
	return false;
}

static enum tnb_vdso_layout_id layout_by_btf(struct tnb_vdso *vdso)
{
	struct btf *btf = btf__load_vmlinux_btf();
	enum tnb_vdso_layout_id layout = tnb_vdso_layout_find(
		btf, vdso->vvar_below, vdso->why_raw, sizeof(vdso->why_raw));

	btf__free(btf);
	return layout;
}

static enum tnb_vdso_layout_id find_layout(struct tnb_vdso *vdso)
{
	enum tnb_vdso_layout_id layout;

	if (!is_forced(&layout))
		layout = layout_by_btf(vdso);
	else if (layout == TNB_LAYOUT_raw)
		snprintf(vdso->why_raw, sizeof(vdso->why_raw),
			 "a test asked for it");
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
		.vvar = *vdso->why_raw ? 0 : vdso_address - vdso->vvar_below,
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
	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++)
		write_jump(&jumps[i], reader(vdso, i)->offset,
			   image_address + vdso->entry[i]);
	return TNB_VDSO_JUMPS;
}

size_t tnb_vdso_jumps_back(const struct tnb_vdso *vdso, uint64_t vdso_address,
			   struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS])
{
	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++)
		write_jump(&jumps[i], vdso->entry[i],
			   vdso_address + reader(vdso, i)->offset);
	return TNB_VDSO_JUMPS;
}

size_t tnb_vdso_originals(const struct tnb_vdso *vdso,
			  struct tnb_vdso_jump originals[TNB_VDSO_JUMPS])
{
	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++) {
		originals[i].offset = reader(vdso, i)->offset;
		originals[i].length = JUMP_SIZE;
		memcpy(originals[i].code, vdso->original[i], JUMP_SIZE);
	}
	return TNB_VDSO_JUMPS;
}

/* ---- Where a thread stands ---------------------------------------------- */

static bool is_within(const struct tnb_elf_function *function, uint64_t offset)
{
	return function->size && offset >= function->offset &&
	       offset - function->offset < function->size;
}

bool tnb_vdso_is_patched(const struct tnb_vdso *vdso, uint64_t offset)
{
	if (offset >= vdso->room && offset - vdso->room < vdso->room_size)
		return true;
	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++) {
		const struct tnb_elf_function *function = reader(vdso, i);

		if (is_replaced(function->offset, offset) ||
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
	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++)
		if (is_replaced(vdso->entry[i], offset))
			return true;
	return false;
}

/* Nothing is read after a system call: its answer is the answer. */
static bool is_behind_syscall(const uint8_t *code, uint64_t offset)
{
	return offset >= 2 && code[offset - 2] == 0x0f &&
	       code[offset - 1] == 0x05;
}

bool tnb_vdso_image_is_same(const struct tnb_vdso *vdso, const uint8_t *image)
{
	for (size_t i = 0; i < TNB_PAGE_SIZE; i++) {
		bool replaced = false;

		if (image[i] == vdso->image[i])
			continue;
		for (size_t j = 0; j < TNB_VDSO_JUMPS; j++)
			replaced |= i - vdso->entry[j] < JUMP_SIZE;
		if (!replaced)
			return false;
	}
	return true;
}

bool tnb_vdso_image_is_reader(const struct tnb_vdso *vdso, const uint8_t *image,
			      uint64_t offset)
{
	if (offset < vdso->image_code || offset >= TNB_PAGE_SIZE ||
	    is_behind_syscall(image, offset))
		return false;
	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++)
		if (offset == vdso->entry[i])
			return false;
	/* Jumps, one instruction each. */
	for (size_t i = 0; i < TNB_FORWARDS; i++)
		if (offset == vdso->image_forward[i])
			return false;
	return true;
}
