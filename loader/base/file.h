/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files below an open directory. */
#ifndef TIMENSBPF_LOADER_BASE_FILE_H
#define TIMENSBPF_LOADER_BASE_FILE_H

#include <stdio.h>
#include <sys/types.h>
#include <timensbpf/timensbpf.h>

/*
 * Read a small file, such as those of /proc, into `text` and terminate it.
 * Returns how many bytes were read, or -errno ("" is in `text` then). Makes
 * system calls only, so it is safe between fork() and exec().
 */
TNB_MUST_CHECK ssize_t tnb_file_read_at(int directory, const char *name,
					char *text, size_t size);

/* As fopen(3) to read, below `directory`. NULL and errno. */
FILE *tnb_file_open_at(int directory, const char *name);

#endif
