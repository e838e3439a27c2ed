/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TIMENSBPF_CLI_JSON_H
#define TIMENSBPF_CLI_JSON_H

#include <jansson.h>

/* Print and release a document. Returns the exit status. */
int json_print(json_t *document);

#endif
