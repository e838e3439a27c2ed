/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "maps.h"

#include "array.h"
#include "cleanup.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* ---- One line ----------------------------------------------------------- */

struct text {
	const char *at, *end;
};

static bool take_hex(struct text *text, uint64_t *value)
{
	unsigned int digits = 0;

	for (*value = 0; text->at < text->end; text->at++, digits++) {
		char c = *text->at;
		unsigned int digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned int)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned int)(c - 'a') + 10;
		else
			break;
		*value = *value << 4 | digit;
	}
	return digits && digits <= 16;
}

static bool take_char(struct text *text, char c)
{
	return text->at < text->end && *text->at++ == c;
}

static void skip_blanks(struct text *text)
{
	while (text->at < text->end && *text->at == ' ')
		text->at++;
}

static bool skip_word(struct text *text)
{
	const char *begin = text->at;

	while (text->at < text->end && *text->at != ' ')
		text->at++;
	if (text->at == begin)
		return false;
	skip_blanks(text);
	return true;
}

/* rwxp, or rwxs for shared */
static bool take_permissions(struct text *text, bool *is_private)
{
	const char *begin = text->at;

	if (!skip_word(text) || text->at - begin < 4)
		return false;
	*is_private = begin[3] == 'p';
	return true;
}

static bool take_decimal(struct text *text, uint64_t *value)
{
	const char *begin = text->at;

	for (*value = 0; text->at < text->end; text->at++) {
		if (*text->at < '0' || *text->at > '9')
			break;
		*value = *value * 10 + (uint64_t)(*text->at - '0');
	}
	return text->at > begin;
}

/* BEGIN-END PERMISSIONS OFFSET DEVICE INODE [NAME] */
int tnb_maps_parse_line(const char *line, size_t length,
			struct tnb_mapping *mapping)
{
	struct text text = { line, line + length };

	if (!take_hex(&text, &mapping->begin) || !take_char(&text, '-') ||
	    !take_hex(&text, &mapping->end) || !take_char(&text, ' ') ||
	    mapping->begin >= mapping->end ||
	    !take_permissions(&text, &mapping->is_private) ||
	    !take_hex(&text, &mapping->offset) || !take_char(&text, ' ') ||
	    !skip_word(&text) || !take_decimal(&text, &mapping->inode))
		return -EINVAL;
	skip_blanks(&text);
	mapping->name = text.at;
	mapping->name_length = (size_t)(text.end - text.at);
	return 0;
}

bool tnb_maps_is_named(const struct tnb_mapping *mapping, const char *name)
{
	return mapping->name_length == strlen(name) &&
	       !memcmp(mapping->name, name, mapping->name_length);
}

/* ---- All lines, one after the other -------------------------------------- */

int tnb_maps_open(int proc, struct tnb_maps *maps)
{
	*maps = (struct tnb_maps){ .file = tnb_file_open_at(proc, "maps") };
	return maps->file ? 0 : -errno;
}

int tnb_maps_next(struct tnb_maps *maps, struct tnb_mapping *mapping)
{
	ssize_t length = getline(&maps->line, &maps->size, maps->file);

	if (length < 0)
		return feof(maps->file) ? 0 : -errno;
	if (maps->line[length - 1] == '\n')
		length--;
	return tnb_maps_parse_line(maps->line, (size_t)length, mapping)
		       ? -EBADMSG
		       : 1;
}

void tnb_maps_close(struct tnb_maps *maps)
{
	fclose(maps->file);
	free(maps->line);
	*maps = (struct tnb_maps){ 0 };
}

static int open_by_pid(int pid, struct tnb_maps *maps)
{
	_cleanup_close_
	int proc = -1;
	char path[32] = "/proc/self";

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d", pid);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return proc < 0 ? -errno : tnb_maps_open(proc, maps);
}

/* ---- The kernel's own mappings ------------------------------------------- */

int tnb_vdso_maps_add(struct tnb_vdso_maps *maps,
		      const struct tnb_mapping *mapping)
{
	if (tnb_maps_is_named(mapping, "[vdso]")) {
		if (maps->vdso && mapping->begin != maps->vdso_end)
			return -EINVAL;
		if (!maps->vdso)
			maps->vdso = mapping->begin;
		maps->vdso_end = mapping->end;
	} else if (tnb_maps_is_named(mapping, "[vvar]") ||
		   tnb_maps_is_named(mapping, "[vvar_vclock]")) {
		if (!maps->vvar || mapping->begin < maps->vvar)
			maps->vvar = mapping->begin;
	}
	return 0;
}

int tnb_vdso_maps_parse(const char *text, size_t length,
			struct tnb_vdso_maps *maps)
{
	const char *end = text + length;
	struct tnb_vdso_maps found = { 0 };
	struct tnb_mapping mapping;

	while (text < end) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));
		int err;

		if (!line_end)
			line_end = end;
		err = tnb_maps_parse_line(text, (size_t)(line_end - text),
					  &mapping);
		if (!err)
			err = tnb_vdso_maps_add(&found, &mapping);
		if (err)
			return err;
		text = line_end + 1;
	}
	if (!found.vdso)
		return -ENOENT;
	*maps = found;
	return 0;
}

int tnb_vdso_maps_read(int pid, struct tnb_vdso_maps *maps)
{
	struct tnb_vdso_maps found = { 0 };
	struct tnb_mapping mapping;
	struct tnb_maps all;
	int next, err = open_by_pid(pid, &all);

	if (err)
		return err;
	while (!err && (next = tnb_maps_next(&all, &mapping)))
		err = next < 0 ? next : tnb_vdso_maps_add(&found, &mapping);
	tnb_maps_close(&all);
	if (!err && !found.vdso)
		err = -ENOENT;
	if (!err)
		*maps = found;
	return err;
}

/* ---- What is behind memory ------------------------------------------------
 */

/* As the kernel names memory that processes share. */
static bool is_shared_memory(const struct tnb_mapping *mapping)
{
	static const char *const names[] = { "/memfd:", "/dev/zero", "/SYSV",
					     "/dev/shm/" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (mapping->name_length >= strlen(names[i]) &&
		    !memcmp(mapping->name, names[i], strlen(names[i])))
			return true;
	return false;
}

bool tnb_maps_is_of_kernel(int pid, uint64_t address)
{
	struct tnb_maps maps;
	struct tnb_mapping mapping;
	bool found = false, is_of_kernel = false;
	int next = 1;

	if (open_by_pid(pid, &maps))
		return false;
	while (!found && (next = tnb_maps_next(&maps, &mapping)) > 0) {
		found = address - mapping.begin < mapping.end - mapping.begin;
		is_of_kernel = found && (mapping.is_private || !mapping.inode ||
					 is_shared_memory(&mapping));
	}
	tnb_maps_close(&maps);
	return is_of_kernel;
}

/* ---- Where mappings end ------------------------------------------------- */

static int add_range(struct tnb_maps_ends *ends,
		     const struct tnb_mapping *mapping)
{
	void *grown = tnb_array_grow(ends->range, ends->count, &ends->space,
				     sizeof(*ends->range));

	if (!grown)
		return -ENOMEM;
	ends->range = grown;
	ends->range[ends->count++] = (struct tnb_maps_range){ mapping->begin,
							      mapping->end,
							      !mapping->inode };
	return 0;
}

int tnb_maps_ends_read(int pid, struct tnb_maps_ends *ends)
{
	struct tnb_mapping mapping;
	struct tnb_maps all;
	int next, err = open_by_pid(pid, &all);

	*ends = (struct tnb_maps_ends){ 0 };
	if (err)
		return err;
	while (!err && (next = tnb_maps_next(&all, &mapping)))
		err = next < 0 ? next : add_range(ends, &mapping);
	tnb_maps_close(&all);
	return err;
}

void tnb_maps_ends_free(struct tnb_maps_ends *ends)
{
	free(ends->range);
	*ends = (struct tnb_maps_ends){ 0 };
}

const struct tnb_maps_range *tnb_maps_range_of(const struct tnb_maps_ends *ends,
					       uint64_t address)
{
	size_t low = 0, high = ends->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address >= ends->range[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ends->count && address >= ends->range[low].begin
		       ? &ends->range[low]
		       : NULL;
}
