/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elf_image.h"

#include "arch.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Images are small; so are the numbers of everything in them. */
#define SIZE_MAX_OF_IMAGE (1u << 20)
#define SEGMENTS_MAX 16u

static bool read_at(const struct tnb_elf_image *elf, uint64_t offset, void *to,
		    size_t length)
{
	if (length > elf->size || offset > elf->size - length)
		return false;
	memcpy(to, elf->bytes + offset, length);
	return true;
}

static bool is_shared_object(const Elf64_Ehdr *header)
{
	return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 &&
	       header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_type == ET_DYN &&
	       header->e_machine == tnb_arch_machine() &&
	       header->e_phentsize == sizeof(Elf64_Phdr) &&
	       header->e_phnum <= SEGMENTS_MAX;
}

static bool read_segments(struct tnb_elf_image *elf, const Elf64_Ehdr *header,
			  Elf64_Phdr *dynamic)
{
	unsigned int loads = 0, dynamics = 0;
	Elf64_Phdr segment;

	for (unsigned int i = 0; i < header->e_phnum; i++) {
		if (header->e_phoff > elf->size ||
		    !read_at(elf, header->e_phoff + i * sizeof(segment),
			     &segment, sizeof(segment)))
			return false;
		if (segment.p_type == PT_LOAD) {
			if (loads++ || segment.p_offset || segment.p_vaddr ||
			    segment.p_filesz > elf->size)
				return false;
			elf->loaded_end = segment.p_filesz;
		} else if (segment.p_type == PT_DYNAMIC) {
			*dynamic = segment;
			dynamics++;
		}
	}
	return loads == 1 && dynamics == 1;
}

static uint64_t section_table_end(const struct tnb_elf_image *elf,
				  const Elf64_Ehdr *header)
{
	uint64_t length = (uint64_t)header->e_shnum * header->e_shentsize;

	if (length > elf->size || header->e_shoff > elf->size - length)
		return 0;
	return header->e_shoff + length;
}

/* The tables that symbols are found by, as the dynamic section has them. */
struct tables {
	uint64_t symbols, names, names_size, hash, gnu_hash;
};

static bool read_dynamic(const struct tnb_elf_image *elf,
			 const Elf64_Phdr *dynamic, struct tables *tables)
{
	uint64_t count = dynamic->p_filesz / sizeof(Elf64_Dyn);
	Elf64_Dyn entry;

	if (dynamic->p_offset > elf->size || dynamic->p_filesz > elf->size)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (!read_at(elf, dynamic->p_offset + i * sizeof(entry), &entry,
			     sizeof(entry)))
			return false;
		if (entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_SYMTAB)
			tables->symbols = entry.d_un.d_ptr;
		else if (entry.d_tag == DT_STRTAB)
			tables->names = entry.d_un.d_ptr;
		else if (entry.d_tag == DT_STRSZ)
			tables->names_size = entry.d_un.d_val;
		else if (entry.d_tag == DT_HASH)
			tables->hash = entry.d_un.d_ptr;
		else if (entry.d_tag == DT_GNU_HASH)
			tables->gnu_hash = entry.d_un.d_ptr;
	}
	return tables->symbols && tables->names && tables->names_size;
}

/* A GNU hash table has no count: the last chain's last entry is the last
 * symbol. */
static bool count_by_gnu_hash(const struct tnb_elf_image *elf, uint64_t table,
			      uint64_t *count)
{
	struct {
		uint32_t buckets, first, bloom_words, bloom_shift;
	} head;
	uint64_t buckets, chains, last = 0;
	uint32_t value;

	if (table > elf->size || !read_at(elf, table, &head, sizeof(head)))
		return false;
	if (head.buckets > elf->size || head.bloom_words > elf->size)
		return false;
	buckets = table + sizeof(head) + 8ull * head.bloom_words;
	chains = buckets + 4ull * head.buckets;
	for (uint64_t i = 0; i < head.buckets; i++) {
		if (!read_at(elf, buckets + 4 * i, &value, sizeof(value)))
			return false;
		last = value > last ? value : last;
	}
	if (last < head.first) {
		*count = head.first;
		return true;
	}
	/* Ends with the image: each turn reads four bytes further on. */
	for (;; last++) {
		if (!read_at(elf, chains + 4 * (last - head.first), &value,
			     sizeof(value)))
			return false;
		if (value & 1)
			break;
	}
	*count = last + 1;
	return true;
}

static bool count_symbols(const struct tnb_elf_image *elf,
			  const struct tables *tables, uint64_t *count)
{
	uint32_t head[2]; /* buckets, chains; there is a chain a symbol */

	if (!tables->hash)
		return tables->gnu_hash &&
		       count_by_gnu_hash(elf, tables->gnu_hash, count);
	if (tables->hash > elf->size ||
	    !read_at(elf, tables->hash, head, sizeof(head)))
		return false;
	*count = head[1];
	return true;
}

static bool lies_within(const struct tnb_elf_image *elf, uint64_t offset,
			uint64_t length)
{
	return length <= elf->size && offset <= elf->size - length;
}

int tnb_elf_image_open(struct tnb_elf_image *elf, const void *bytes,
		       size_t size)
{
	struct tnb_elf_image found = { .bytes = bytes, .size = size };
	struct tables tables = { 0 };
	Elf64_Phdr dynamic = { 0 };
	Elf64_Ehdr header;

	if (size > SIZE_MAX_OF_IMAGE ||
	    !read_at(&found, 0, &header, sizeof(header)) ||
	    !is_shared_object(&header) ||
	    !read_segments(&found, &header, &dynamic) ||
	    !read_dynamic(&found, &dynamic, &tables) ||
	    !count_symbols(&found, &tables, &found.symbol_count))
		return -EINVAL;
	if (found.symbol_count > size ||
	    !lies_within(&found, tables.symbols,
			 found.symbol_count * sizeof(Elf64_Sym)) ||
	    !lies_within(&found, tables.names, tables.names_size))
		return -EINVAL;
	found.entry = header.e_entry;
	found.symbols = tables.symbols;
	found.names = tables.names;
	found.names_size = tables.names_size;
	found.file_end = section_table_end(&found, &header);
	if (found.file_end < found.loaded_end)
		found.file_end = found.loaded_end;
	*elf = found;
	return 0;
}

/* NULL: it does not end within the names. */
static const char *name_of(const struct tnb_elf_image *elf,
			   const Elf64_Sym *symbol)
{
	const char *names = (const char *)elf->bytes + elf->names;

	if (symbol->st_name >= elf->names_size ||
	    !memchr(names + symbol->st_name, '\0',
		    elf->names_size - symbol->st_name))
		return NULL;
	return names + symbol->st_name;
}

const char *tnb_elf_image_name(const struct tnb_elf_image *elf, uint64_t index,
			       struct tnb_elf_function *function)
{
	Elf64_Sym symbol;

	if (index >= elf->symbol_count ||
	    !read_at(elf, elf->symbols + index * sizeof(symbol), &symbol,
		     sizeof(symbol)) ||
	    ELF64_ST_TYPE(symbol.st_info) != STT_FUNC ||
	    symbol.st_shndx == SHN_UNDEF || !symbol.st_value ||
	    symbol.st_value >= elf->loaded_end ||
	    symbol.st_size > elf->loaded_end - symbol.st_value)
		return NULL;
	function->offset = (uint32_t)symbol.st_value;
	function->size = (uint32_t)symbol.st_size;
	return name_of(elf, &symbol);
}

int tnb_elf_image_function(const struct tnb_elf_image *elf, const char *name,
			   uint32_t *offset, uint32_t *size)
{
	struct tnb_elf_function function;

	for (uint64_t i = 0; i < elf->symbol_count; i++) {
		const char *found = tnb_elf_image_name(elf, i, &function);

		if (!found || strcmp(found, name))
			continue;
		*offset = function.offset;
		*size = function.size;
		return 0;
	}
	return -ENOENT;
}
