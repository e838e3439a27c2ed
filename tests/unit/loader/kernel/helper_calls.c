/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program is a function of its section, and calls functions of the section
 * .text. In the file such a call, and the address of a callback, has a
 * relocation. Calls within a section have none.
 */
#include "helper_calls.h"

#include <elf.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>

/* Of one object; the test fails if there are more. */
#define FUNCTIONS 512

struct walk {
	const char *elf;
	const Elf64_Shdr *sections;
	const Elf64_Sym *symbols;
	size_t section_count, symbol_count;
	const char *names;
	int helper;
	const Elf64_Sym *seen[FUNCTIONS]; /* to be looked at, each once */
	size_t seen_count;
};

static void open_elf(struct walk *walk)
{
	const Elf64_Ehdr *header = (const void *)walk->elf;

	walk->sections = (const void *)(walk->elf + header->e_shoff);
	walk->section_count = header->e_shnum;
	for (size_t i = 0; i < walk->section_count; i++) {
		const Elf64_Shdr *section = &walk->sections[i];

		if (section->sh_type != SHT_SYMTAB)
			continue;
		walk->symbols = (const void *)(walk->elf + section->sh_offset);
		walk->symbol_count = section->sh_size / sizeof(Elf64_Sym);
		walk->names =
			walk->elf + walk->sections[section->sh_link].sh_offset;
	}
}

static bool is_function(const Elf64_Sym *symbol)
{
	return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;
}

static void see(struct walk *walk, const Elf64_Sym *function)
{
	for (size_t i = 0; i < walk->seen_count; i++)
		if (walk->seen[i] == function)
			return;
	if (walk->seen_count < FUNCTIONS)
		walk->seen[walk->seen_count++] = function;
}

/* The function at an offset of a section. */
static void see_at(struct walk *walk, size_t section, Elf64_Addr at)
{
	for (size_t i = 0; i < walk->symbol_count; i++) {
		const Elf64_Sym *symbol = &walk->symbols[i];

		if (is_function(symbol) && symbol->st_shndx == section &&
		    symbol->st_value == at)
			see(walk, symbol);
	}
}

static const struct bpf_insn *insn_at(const struct walk *walk, size_t section,
				      Elf64_Addr at)
{
	return (const void *)(walk->elf + walk->sections[section].sh_offset +
			      at);
}

/* A callback's address is in bytes, a call's target in instructions beyond the
 * next one. */
static void follow(struct walk *walk, size_t section, const Elf64_Rel *rel)
{
	const Elf64_Sym *symbol = &walk->symbols[ELF64_R_SYM(rel->r_info)];
	const struct bpf_insn *insn = insn_at(walk, section, rel->r_offset);
	__s32 at = insn->imm;

	if (is_function(symbol))
		see(walk, symbol);
	if (ELF64_ST_TYPE(symbol->st_info) != STT_SECTION)
		return;
	if (insn->code == (BPF_JMP | BPF_CALL))
		at = (at + 1) * (__s32)sizeof(*insn);
	see_at(walk, symbol->st_shndx, (Elf64_Addr)at);
}

static void follow_relocations(struct walk *walk, const Elf64_Sym *function)
{
	for (size_t i = 0; i < walk->section_count; i++) {
		const Elf64_Shdr *table = &walk->sections[i];
		const Elf64_Rel *rel =
			(const void *)(walk->elf + table->sh_offset);

		if (table->sh_type != SHT_REL ||
		    table->sh_info != function->st_shndx)
			continue;
		for (size_t j = 0; j < table->sh_size / sizeof(*rel); j++)
			if (rel[j].r_offset - function->st_value <
			    function->st_size)
				follow(walk, function->st_shndx, &rel[j]);
	}
}

/* Returns whether it calls the helper itself. */
static bool look_at(struct walk *walk, const Elf64_Sym *function)
{
	size_t size = sizeof(struct bpf_insn);

	follow_relocations(walk, function);
	for (Elf64_Addr at = 0; at < function->st_size; at += size) {
		Elf64_Addr here = function->st_value + at;
		const struct bpf_insn *insn =
			insn_at(walk, function->st_shndx, here);

		if (insn->code != (BPF_JMP | BPF_CALL))
			continue;
		if (!insn->src_reg && insn->imm == walk->helper)
			return true;
		if (insn->src_reg == BPF_PSEUDO_CALL)
			see_at(walk, function->st_shndx,
			       here + (Elf64_Addr)((insn->imm + 1) *
						   (__s32)size));
	}
	return false;
}

bool helper_calls_has(const void *elf, const char *program, int helper)
{
	struct walk walk = { .elf = elf, .helper = helper };

	open_elf(&walk);
	for (size_t i = 0; i < walk.symbol_count; i++)
		if (is_function(&walk.symbols[i]) &&
		    !strcmp(walk.names + walk.symbols[i].st_name, program))
			see(&walk, &walk.symbols[i]);
	for (size_t i = 0; i < walk.seen_count; i++)
		if (look_at(&walk, walk.seen[i]))
			return true;
	return false;
}
