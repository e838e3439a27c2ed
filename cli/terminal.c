/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int terminal_width(FILE *out)
{
	struct winsize size;

	if (!isatty(fileno(out)))
		return 0;
	/* A serial line knows no size: 0 columns. */
	if (ioctl(fileno(out), TIOCGWINSZ, &size) || !size.ws_col)
		return TERMINAL_USUAL;
	return size.ws_col;
}

bool terminal_takes_sequences(FILE *out)
{
	const char *term = getenv("TERM");

	return term && *term && strcmp(term, "dumb") && isatty(fileno(out));
}

bool terminal_takes_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR");

	return !(no && *no) && terminal_takes_sequences(out);
}
