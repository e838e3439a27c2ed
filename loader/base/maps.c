/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "maps.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* 65530 mappings (vm.max_map_count) of a long line each. */
#define TEXT_MAX (64u << 20)

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

static bool is_rest(const struct text *text, const char *name)
{
	size_t length = strlen(name);

	return (size_t)(text->end - text->at) == length &&
	       !memcmp(text->at, name, length);
}

static int take_vdso(struct tnb_vdso_maps *maps, uint64_t begin, uint64_t end)
{
	if (!maps->vdso)
		maps->vdso = begin;
	else if (begin != maps->vdso_end)
		return -EINVAL;
	maps->vdso_end = end;
	return 0;
}

/* BEGIN-END PERMISSIONS OFFSET DEVICE INODE [NAME] */
static bool take_range(struct text *line, uint64_t *begin, uint64_t *end)
{
	return take_hex(line, begin) && take_char(line, '-') &&
	       take_hex(line, end) && take_char(line, ' ') && *begin < *end;
}

static int parse_line(struct text line, struct tnb_vdso_maps *maps)
{
	uint64_t begin, end;

	if (!take_range(&line, &begin, &end))
		return -EINVAL;
	for (int i = 0; i < 4; i++)
		if (!skip_word(&line))
			return -EINVAL;
	if (is_rest(&line, "[vdso]"))
		return take_vdso(maps, begin, end);
	if (is_rest(&line, "[vvar]") || is_rest(&line, "[vvar_vclock]"))
		if (!maps->vvar || begin < maps->vvar)
			maps->vvar = begin;
	return 0;
}

int tnb_vdso_maps_parse(const char *text, size_t length,
			struct tnb_vdso_maps *maps)
{
	const char *end = text + length;
	struct tnb_vdso_maps found = { 0 };

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct text line = { text, newline ? newline : end };
		int r = parse_line(line, &found);

		if (r)
			return r;
		text = line.end + 1;
	}
	if (!found.vdso)
		return -ENOENT;
	*maps = found;
	return 0;
}

/* A file whose size stat(2) does not know. */
static int read_all(int fd, char **text, size_t *length)
{
	_cleanup_free_
	char *buffer = NULL;
	size_t space = 1 << 16, used = 0;
	ssize_t got = 1;

	while (got) {
		char *larger = realloc(buffer, space);

		if (!larger)
			return -ENOMEM;
		buffer = larger;
		got = read(fd, buffer + used, space - used);
		if (got < 0)
			return -errno;
		used += (size_t)got;
		if (used == space)
			space *= 2;
		if (space > TEXT_MAX)
			return -E2BIG;
	}
	*text = TAKE_PTR(buffer);
	*length = used;
	return 0;
}

static int read_maps(int pid, char **text, size_t *length)
{
	_cleanup_close_
	int fd = -1;
	char path[32] = "/proc/self/maps";

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : read_all(fd, text, length);
}

int tnb_vdso_maps_read(int pid, struct tnb_vdso_maps *maps)
{
	_cleanup_free_
	char *text = NULL;
	size_t length = 0;
	int r = read_maps(pid, &text, &length);

	return r ? r : tnb_vdso_maps_parse(text, length, maps);
}

/* ---- Where mappings end ------------------------------------------------- */

static size_t count_lines(const char *text, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += text[i] == '\n';
	return count;
}

int tnb_maps_ends_read(int pid, struct tnb_maps_ends *ends)
{
	_cleanup_free_
	char *text = NULL;
	size_t length = 0, lines;
	int r = read_maps(pid, &text, &length);
	struct text rest = { text, text + length };

	*ends = (struct tnb_maps_ends){ 0 };
	if (r)
		return r;
	lines = count_lines(text, length) + 1;
	ends->begin = malloc(lines * sizeof(*ends->begin));
	ends->end = malloc(lines * sizeof(*ends->end));
	while (ends->begin && ends->end && ends->count < lines &&
	       take_range(&rest, &ends->begin[ends->count],
			  &ends->end[ends->count])) {
		ends->count++;
		while (rest.at < rest.end && *rest.at++ != '\n')
			;
	}
	return ends->begin && ends->end ? 0 : -ENOMEM;
}

void tnb_maps_ends_free(struct tnb_maps_ends *ends)
{
	free(ends->begin);
	free(ends->end);
	*ends = (struct tnb_maps_ends){ 0 };
}

uint64_t tnb_maps_end_of(const struct tnb_maps_ends *ends, uint64_t address)
{
	size_t low = 0, high = ends->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address >= ends->end[middle])
			low = middle + 1;
		else
			high = middle;
	}
	return low < ends->count && address >= ends->begin[low] ? ends->end[low]
								: 0;
}
