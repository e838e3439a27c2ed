/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json.h"

#include "command.h"
#include "escape.h"

#include <stdio.h>
#include <stdlib.h>

json_t *json_text(const char *text)
{
	char *shown = escape(text);
	json_t *string = shown ? json_string(shown) : NULL;

	free(shown);
	return string;
}

int json_print(json_t *document)
{
	int failed = !document || json_dumpf(document, stdout, JSON_INDENT(2));

	json_decref(document);
	if (failed || putchar('\n') == EOF) {
		command_say("cannot write JSON");
		return EXIT_FAILED;
	}
	return 0;
}
