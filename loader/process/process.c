/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process.h"

#include "base/cleanup.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#define WORDS_MAX (1 << 18)

/* startstack, the 28th field of /proc/PID/stat, from the 3rd on after ')'. */
static uint64_t start_of_stack(int proc)
{
	_cleanup_close_
	int fd = openat(proc, "stat", O_RDONLY | O_CLOEXEC);
	char text[2048], *rest, *word = NULL;
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (length < 0)
		return 0;
	text[length] = '\0';
	rest = strrchr(text, ')');
	if (!rest)
		return 0;
	rest += 2;
	for (int field = 3; field <= 28 && rest; field++)
		word = strsep(&rest, " ");
	return word ? strtoull(word, NULL, 10) : 0;
}

static bool read_word(int memory, uint64_t *at, size_t size, uint64_t *word)
{
	*word = 0;
	if (pread(memory, word, size, (off_t)*at) != (ssize_t)size)
		return false;
	*at += size;
	return true;
}

/* argc, argv, NULL, envp, NULL, auxv: see bpf/life/exec.bpf.c. */
static bool skip_to_auxv(int memory, uint64_t *at, size_t size)
{
	uint64_t word;

	if (!read_word(memory, at, size, &word) || word > WORDS_MAX)
		return false;
	*at += (word + 1) * size;
	for (int i = 0; i < WORDS_MAX; i++) {
		if (!read_word(memory, at, size, &word))
			return false;
		if (!word)
			return true;
	}
	return false;
}

static enum tnb_fast find_vdso(int memory, uint64_t at, size_t size)
{
	uint64_t type, value;

	if (!at || !skip_to_auxv(memory, &at, size))
		return TNB_VDSO_UNKNOWN;
	while (read_word(memory, &at, size, &type) &&
	       read_word(memory, &at, size, &value)) {
		if (type == AT_SYSINFO_EHDR)
			return TNB_VDSO_VISIBLE;
		if (type == AT_NULL)
			return TNB_VDSO_HIDDEN;
	}
	return TNB_VDSO_UNKNOWN;
}

enum tnb_fast tnb_process_auxv(int proc, int memory, bool narrow)
{
	return find_vdso(memory, start_of_stack(proc), narrow ? 4 : 8);
}
