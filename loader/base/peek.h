/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading the memory of another process without waiting for it. A page that is
 * not there has to be fetched first, by a file system or by whatever else
 * serves it, perhaps a program of that process' owner which never answers. So
 * only anonymous memory is read, and of that what is there.
 */
#ifndef TIMENSBPF_LOADER_BASE_PEEK_H
#define TIMENSBPF_LOADER_BASE_PEEK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <timensbpf/timensbpf.h>

struct tnb_peek {
	int memory;  /* /proc/PID/mem */
	int pagemap; /* /proc/PID/pagemap; -1: all of it may be read */
};

/* `proc`: the directory of a process in /proc, of its present program. -errno,
 * and nothing is to be closed. */
TNB_MUST_CHECK int tnb_peek_open(int proc, struct tnb_peek *peek);
void tnb_peek_close(struct tnb_peek *peek);

/* As pread(2): up to `size` bytes, fewer where a page is in the way. -EFAULT:
 * the first one is; or another -errno. */
ssize_t tnb_peek_read(const struct tnb_peek *peek, uint64_t at, void *to,
		      size_t size);

/* The same of one anonymous mapping, in which nothing was written to a page
 * that is not there: it counts as zeros. */
ssize_t tnb_peek_read_sparse(const struct tnb_peek *peek, uint64_t at, void *to,
			     size_t size);

#endif
