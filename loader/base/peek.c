/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Of anonymous memory that is there or in swap, reading waits for the kernel at
 * most. What is not there is never fetched: userfaultfd may serve it. A page of
 * a file is not read even if it is there, because it could go before we read.
 */
#define _GNU_SOURCE
#include "peek.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#define PAGE 4096u

/* Documentation/admin-guide/mm/pagemap.rst of the kernel. */
#define PM_PRESENT (1ULL << 63)
#define PM_SWAPPED (1ULL << 62)
#define PM_OF_FILE (1ULL << 61)

int tnb_peek_open(int proc, struct tnb_peek *peek)
{
	_cleanup_close_
	int memory = openat(proc, "mem", O_RDONLY | O_CLOEXEC);

	if (memory < 0)
		return -errno;
	peek->pagemap = openat(proc, "pagemap", O_RDONLY | O_CLOEXEC);
	if (peek->pagemap < 0)
		return -errno;
	peek->memory = TAKE_FD(memory);
	return 0;
}

void tnb_peek_close(struct tnb_peek *peek)
{
	tnb_cleanup_close(&peek->memory);
	tnb_cleanup_close(&peek->pagemap);
	*peek = (struct tnb_peek){ -1, -1 };
}

enum page { PAGE_THERE, PAGE_NOWHERE, PAGE_OF_FILE };

static enum page look(const struct tnb_peek *peek, uint64_t at)
{
	uint64_t entry = 0;

	if (pread(peek->pagemap, &entry, sizeof(entry),
		  (off_t)(at / PAGE * sizeof(entry))) != sizeof(entry))
		return PAGE_OF_FILE;
	if (entry & PM_OF_FILE)
		return PAGE_OF_FILE;
	return entry & (PM_PRESENT | PM_SWAPPED) ? PAGE_THERE : PAGE_NOWHERE;
}

/* Up to the end of the page. */
static ssize_t read_page(const struct tnb_peek *peek, uint64_t at, void *to,
			 size_t size, bool sparse)
{
	size_t left = PAGE - at % PAGE;
	ssize_t got;

	if (left > size)
		left = size;
	switch (look(peek, at)) {
	case PAGE_NOWHERE:
		if (!sparse)
			return -EFAULT;
		memset(to, 0, left);
		return (ssize_t)left;
	case PAGE_THERE:
		got = pread(peek->memory, to, left, (off_t)at);
		return got < 0 ? -errno : got;
	case PAGE_OF_FILE:
	default:
		return -EFAULT;
	}
}

static ssize_t read_pages(const struct tnb_peek *peek, uint64_t at, void *to,
			  size_t size, bool sparse)
{
	size_t done = 0;
	ssize_t got = 0;

	while (done < size) {
		got = read_page(peek, at + done, (char *)to + done, size - done,
				sparse);
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done ? (ssize_t)done : got;
}

ssize_t tnb_peek_read(const struct tnb_peek *peek, uint64_t at, void *to,
		      size_t size)
{
	ssize_t got;

	if (peek->pagemap >= 0)
		return read_pages(peek, at, to, size, false);
	got = pread(peek->memory, to, size, (off_t)at);
	return got < 0 ? -errno : got;
}

ssize_t tnb_peek_read_sparse(const struct tnb_peek *peek, uint64_t at, void *to,
			     size_t size)
{
	return read_pages(peek, at, to, size, true);
}
