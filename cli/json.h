/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TIMENSBPF_CLI_JSON_H
#define TIMENSBPF_CLI_JSON_H

#include <jansson.h>

/* The key "schema" of every document: changes when a reader must. docs/json.md
 * describes them. */
#define JSON_SCHEMA 1

/* A string of any bytes, as escape() shows it. */
json_t *json_text(const char *text);

/* Print and release a document. Returns the exit status. */
int json_print(json_t *document);

#endif
