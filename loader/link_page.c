/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "link_page.h"

#include "cleanup.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

static bool read_link_behind(int memory, uint64_t page,
			     struct tnb_vdso_link *link)
{
	return pread(memory, link, sizeof(*link),
		     (off_t)(page + TNB_PAGE_SIZE)) == sizeof(*link) &&
	       link->magic == TNB_VDSO_LINK_MAGIC && link->slot < TNB_SLOTS;
}

bool tnb_link_page_find(int proc, int memory, struct tnb_vdso_link *link,
			uint64_t *at)
{
	int fd = openat(proc, "maps", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	_cleanup_free_
	char *line = NULL;
	size_t size = 0;

	if (!file && fd >= 0)
		close(fd);
	while (file && getline(&line, &size, file) > 0) {
		uint64_t page;

		if (strstr(line, "bpf-map") &&
		    sscanf(line, "%lx-", &page) == 1 &&
		    read_link_behind(memory, page, link)) {
			*at = page;
			return true;
		}
	}
	return false;
}
