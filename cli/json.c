/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json.h"

#include "command.h"

#include <stdio.h>

int json_print(json_t *document)
{
	int failed = !document || json_dumpf(document, stdout, JSON_INDENT(2));

	json_decref(document);
	if (failed || putchar('\n') == EOF) {
		fputs("timensbpf: cannot write JSON\n", stderr);
		return EXIT_FAILED;
	}
	return 0;
}
