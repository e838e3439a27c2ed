/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The smallest character that needs so many bytes. */
static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };

static size_t length_by(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* The bytes of the valid character at `at`, 0: there is none. */
static size_t decode(const unsigned char *at, uint32_t *character)
{
	size_t length = length_by(*at);

	if (length <= 1) {
		*character = *at;
		return length;
	}
	*character = *at & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | (at[i] & 0x3f);
	}
	if (*character < smallest[length] || *character > 0x10ffff ||
	    (*character >= 0xd800 && *character <= 0xdfff))
		return 0;
	return length;
}

static bool is_printable(uint32_t character)
{
	static const struct {
		uint32_t first, last;
	} others[] = {
		{ 0x00, 0x1f },	      /* C0: ESC, newline */
		{ 0x7f, 0x9f },	      /* DEL, C1: CSI */
		{ 0x61c, 0x61c },     /* these change the direction */
		{ 0x200e, 0x200f },   /* likewise */
		{ 0x2028, 0x202e },   /* separators of lines, overrides */
		{ 0x2066, 0x2069 },   /* isolates */
		{ 0xfeff, 0xfeff },   /* byte order mark */
		{ 0xfff9, 0xfffb },   /* annotations */
		{ 0xe0000, 0xe007f }, /* tags: not seen */
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (character >= others[i].first && character <= others[i].last)
			return false;
	return true;
}

static char *put_escaped(char *out, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	*out++ = '\\';
	*out++ = 'x';
	*out++ = digits[byte >> 4];
	*out++ = digits[byte & 15];
	return out;
}

char *escape(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	char *escaped = malloc(4 * strlen(text) + 1), *out = escaped;

	while (escaped && *at) {
		uint32_t character = 0;
		size_t length = decode(at, &character);

		if (length && is_printable(character)) {
			memcpy(out, at, length);
			out += length;
			at += length;
			continue;
		}
		for (size_t i = 0; i < (length ? length : 1); i++)
			out = put_escaped(out, *at++);
	}
	if (out)
		*out = '\0';
	return escaped;
}
