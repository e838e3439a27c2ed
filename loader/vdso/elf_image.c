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

/* ---- Both classes, in the words of the larger one -------------------------
 */

static bool read_header(struct tnb_elf_image *elf, Elf64_Ehdr *header)
{
	Elf32_Ehdr small;

	if (!read_at(elf, 0, &small, sizeof(small)) ||
	    memcmp(small.e_ident, ELFMAG, SELFMAG))
		return false;
	elf->narrow = small.e_ident[EI_CLASS] == ELFCLASS32;
	if (!elf->narrow)
		return read_at(elf, 0, header, sizeof(*header)) &&
		       header->e_ident[EI_CLASS] == ELFCLASS64 &&
		       header->e_phentsize == sizeof(Elf64_Phdr);
	*header = (Elf64_Ehdr){
		.e_type = small.e_type,
		.e_machine = small.e_machine,
		.e_entry = small.e_entry,
		.e_phoff = small.e_phoff,
		.e_shoff = small.e_shoff,
		.e_phnum = small.e_phnum,
		.e_shentsize = small.e_shentsize,
		.e_shnum = small.e_shnum,
	};
	memcpy(header->e_ident, small.e_ident, EI_NIDENT);
	return small.e_phentsize == sizeof(Elf32_Phdr);
}

static bool read_segment(const struct tnb_elf_image *elf, uint64_t table,
			 unsigned int i, Elf64_Phdr *segment)
{
	Elf32_Phdr small;

	if (!elf->narrow)
		return read_at(elf, table + i * sizeof(*segment), segment,
			       sizeof(*segment));
	if (!read_at(elf, table + i * sizeof(small), &small, sizeof(small)))
		return false;
	*segment = (Elf64_Phdr){
		.p_type = small.p_type,
		.p_offset = small.p_offset,
		.p_vaddr = small.p_vaddr,
		.p_filesz = small.p_filesz,
	};
	return true;
}

static size_t dynamic_size(const struct tnb_elf_image *elf)
{
	return elf->narrow ? sizeof(Elf32_Dyn) : sizeof(Elf64_Dyn);
}

static bool read_entry(const struct tnb_elf_image *elf, uint64_t at,
		       Elf64_Dyn *entry)
{
	Elf32_Dyn small;

	if (!elf->narrow)
		return read_at(elf, at, entry, sizeof(*entry));
	if (!read_at(elf, at, &small, sizeof(small)))
		return false;
	entry->d_tag = small.d_tag;
	entry->d_un.d_ptr = small.d_un.d_ptr;
	return true;
}

static size_t symbol_size(const struct tnb_elf_image *elf)
{
	return elf->narrow ? sizeof(Elf32_Sym) : sizeof(Elf64_Sym);
}

static bool read_symbol(const struct tnb_elf_image *elf, uint64_t index,
			Elf64_Sym *symbol)
{
	uint64_t at = elf->symbols + index * symbol_size(elf);
	Elf32_Sym small;

	if (!elf->narrow)
		return read_at(elf, at, symbol, sizeof(*symbol));
	if (!read_at(elf, at, &small, sizeof(small)))
		return false;
	/* The info is made alike in both. */
	*symbol = (Elf64_Sym){
		.st_name = small.st_name,
		.st_info = small.st_info,
		.st_shndx = small.st_shndx,
		.st_value = small.st_value,
		.st_size = small.st_size,
	};
	return true;
}

/* ---- Headers ---------------------------------------------------------------
 */

static bool is_shared_object(const struct tnb_elf_image *elf,
			     const Elf64_Ehdr *header)
{
	return header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_type == ET_DYN &&
	       header->e_machine == tnb_arch_machine(elf->narrow) &&
	       header->e_phnum <= SEGMENTS_MAX;
}

static bool read_segments(struct tnb_elf_image *elf, const Elf64_Ehdr *header,
			  Elf64_Phdr *dynamic)
{
	unsigned int loads = 0, dynamics = 0;
	Elf64_Phdr segment;

	for (unsigned int i = 0; i < header->e_phnum; i++) {
		if (header->e_phoff > elf->size ||
		    !read_segment(elf, header->e_phoff, i, &segment))
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
	uint64_t count = dynamic->p_filesz / dynamic_size(elf);
	Elf64_Dyn entry;

	if (dynamic->p_offset > elf->size || dynamic->p_filesz > elf->size)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (!read_entry(elf, dynamic->p_offset + i * dynamic_size(elf),
				&entry))
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
	/* A word of the bloom filter is one of the class. */
	buckets = table + sizeof(head) +
		  (elf->narrow ? 4ull : 8ull) * head.bloom_words;
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

	if (size > SIZE_MAX_OF_IMAGE || !read_header(&found, &header) ||
	    !is_shared_object(&found, &header) ||
	    !read_segments(&found, &header, &dynamic) ||
	    !read_dynamic(&found, &dynamic, &tables) ||
	    !count_symbols(&found, &tables, &found.symbol_count))
		return -EINVAL;
	if (found.symbol_count > size ||
	    !lies_within(&found, tables.symbols,
			 found.symbol_count * symbol_size(&found)) ||
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

	if (index >= elf->symbol_count || !read_symbol(elf, index, &symbol) ||
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
