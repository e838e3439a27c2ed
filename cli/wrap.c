/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wrap.h"

#include <string.h>

static bool begins_character(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

static int columns_of(const char *text, size_t length)
{
	int columns = 0;

	for (size_t i = 0; i < length; i++)
		columns += begins_character(text[i]);
	return columns;
}

int wrap_columns(const char *text)
{
	return columns_of(text, strlen(text));
}

/* Where the character number `columns` begins. */
static size_t skip_columns(const char *text, int columns)
{
	size_t at = 0;

	for (; text[at]; at++)
		if (begins_character(text[at]) && !columns--)
			break;
	return at;
}

void wrap_shorten(char *text, int columns)
{
	static const char gap[] = "...";
	int room = columns - (int)strlen(gap);
	int all = wrap_columns(text);
	size_t head, tail;

	if (all <= columns || room < 2)
		return;
	head = skip_columns(text, room / 2);
	tail = skip_columns(text, all - (room - room / 2));
	/* The gap is no longer than what it stands for: all > columns. */
	memcpy(text + head, gap, strlen(gap));
	memmove(text + head + strlen(gap), text + tail,
		strlen(text + tail) + 1);
}

void wrap_print(FILE *out, const char *text, int column, int indent, int width)
{
	const char *word = text + strspn(text, " ");
	bool begins = true;

	while (*word) {
		size_t length = strcspn(word, " ");
		int columns = columns_of(word, length);

		if (!begins && width && column + 1 + columns > width) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
			begins = true;
		}
		if (!begins)
			putc(' ', out);
		fwrite(word, 1, length, out);
		column += columns + !begins;
		begins = false;
		word += length;
		word += strspn(word, " ");
	}
}
