/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_clocks --reference SOCKET [--quick] [--prefix P] [--exec PROG ARG…]
 *
 * Reads the clock through every door (see doors.h), from main's first line on;
 * then becomes PROG, if there is one.
 */
#define _GNU_SOURCE
#include "doors.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	const char *reference = NULL, *prefix = NULL;
	enum door_set set = DOORS_ALL;
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--exec"); i++) {
		if (!strcmp(argv[i], "--quick"))
			set = DOORS_QUICK;
		else if (!strcmp(argv[i], "--reference") && i + 1 < argc)
			reference = argv[++i];
		else if (!strcmp(argv[i], "--prefix") && i + 1 < argc)
			prefix = argv[++i];
		else
			break;
	}
	if (!reference || (i < argc && strcmp(argv[i], "--exec"))) {
		fprintf(stderr, "read_clocks: wrong usage, see its source\n");
		return 2;
	}
	doors_begin(reference, environ);
	doors_collect(set);
	doors_print(prefix);
	if (i + 1 >= argc)
		return 0;
	execvp(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 126;
}
