/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "vdso_lookup.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856
#endif

const char *vdso_way_name(enum vdso_way way)
{
	static const char *const names[] = {
		[VDSO_BY_GETAUXVAL] = "getauxval",
		[VDSO_BY_STACK] = "stack",
		[VDSO_BY_PROC_AUXV] = "proc-auxv",
		[VDSO_BY_PRCTL] = "prctl-auxv",
		[VDSO_BY_MAPPING] = "mapping",
	};

	return names[way];
}

static const void *ehdr_in(const ElfW(auxv_t) * auxv, size_t entries)
{
	for (size_t i = 0; i < entries && auxv[i].a_type != AT_NULL; i++)
		if (auxv[i].a_type == AT_SYSINFO_EHDR)
			return (const void *)auxv[i].a_un.a_val;
	return NULL;
}

static const void *find_on_stack(char **environ_at_start)
{
	while (*environ_at_start)
		environ_at_start++;
	return ehdr_in((const void *)(environ_at_start + 1), 64);
}

static const void *find_in_proc(void)
{
	ElfW(auxv_t) auxv[64] = { 0 };
	int fd = open("/proc/self/auxv", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, auxv, sizeof(auxv));

	if (fd >= 0)
		close(fd);
	return size < 0 ? NULL : ehdr_in(auxv, (size_t)size / sizeof(*auxv));
}

static const void *find_by_prctl(void)
{
	ElfW(auxv_t) auxv[64] = { 0 };
	int size = prctl(PR_GET_AUXV, auxv, sizeof(auxv), 0, 0);

	return size < 0 ? NULL : ehdr_in(auxv, sizeof(auxv) / sizeof(*auxv));
}

static const void *find_mapping(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start = 0;
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vdso]"))
			sscanf(line, "%lx-", &start);
	if (maps)
		fclose(maps);
	return (const void *)start;
}

const void *vdso_find(enum vdso_way way, char **environ_at_start)
{
	switch (way) {
	case VDSO_BY_GETAUXVAL:
		return (const void *)getauxval(AT_SYSINFO_EHDR);
	case VDSO_BY_STACK:
		return find_on_stack(environ_at_start);
	case VDSO_BY_PROC_AUXV:
		return find_in_proc();
	case VDSO_BY_PRCTL:
		return find_by_prctl();
	case VDSO_BY_MAPPING:
		return find_mapping();
	default:
		return NULL;
	}
}

/* Symbols in a GNU hash table: the last one of the last chain, plus one. */
static uint32_t gnu_hash_symbols(const uint32_t *table)
{
	uint32_t buckets = table[0], first = table[1], bloom = table[2];
	const uint32_t *bucket =
		(const void *)((const ElfW(Addr) *)(table + 4) + bloom);
	const uint32_t *chain = bucket + buckets;
	uint32_t last = 0;

	for (uint32_t i = 0; i < buckets; i++)
		if (bucket[i] > last)
			last = bucket[i];
	if (last < first)
		return first;
	while (!(chain[last - first] & 1))
		last++;
	return last + 1;
}

struct dynamic {
	const ElfW(Sym) * symbols;
	const char *strings;
	uint32_t count;
};

static struct dynamic read_dynamic(const char *base, const ElfW(Dyn) * dyn,
				   ElfW(Addr) bias)
{
	struct dynamic found = { 0 };

	for (; dyn->d_tag != DT_NULL; dyn++) {
		const void *at = base + (dyn->d_un.d_ptr - bias);

		if (dyn->d_tag == DT_SYMTAB)
			found.symbols = at;
		else if (dyn->d_tag == DT_STRTAB)
			found.strings = at;
		else if (dyn->d_tag == DT_HASH)
			found.count = ((const uint32_t *)at)[1];
		else if (dyn->d_tag == DT_GNU_HASH && !found.count)
			found.count = gnu_hash_symbols(at);
	}
	return found;
}

void *vdso_symbol(const void *image, const char *name)
{
	const char *base = image;
	const ElfW(Ehdr) *header = image;
	const ElfW(Phdr) *segment = (const void *)(base + header->e_phoff);
	struct dynamic dynamic = { 0 };
	ElfW(Addr) bias = 0;

	for (int i = 0; i < header->e_phnum; i++)
		if (segment[i].p_type == PT_LOAD)
			bias = segment[i].p_vaddr - segment[i].p_offset;
	for (int i = 0; i < header->e_phnum; i++)
		if (segment[i].p_type == PT_DYNAMIC)
			dynamic = read_dynamic(
				base,
				(const void *)(base + segment[i].p_offset),
				bias);
	for (uint32_t i = 0; i < dynamic.count; i++) {
		const ElfW(Sym) *symbol = &dynamic.symbols[i];

		if (symbol->st_shndx != SHN_UNDEF &&
		    !strcmp(dynamic.strings + symbol->st_name, name))
			return (void *)(base + (symbol->st_value - bias));
	}
	return NULL;
}
