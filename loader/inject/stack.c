/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stack.h"

#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#define AUXV_MAX 48
/* Arguments and environment are at most 6 MiB of strings (fs/exec.c,
 * bprm_stack_limits): no more words than that. */
#define WORDS_MAX (6u << 20)

/* Words of somebody else's memory, read some at a time. */
struct reader {
	const struct tnb_tracee *tracee;
	__u64 at; /* of the next word */
	size_t next, count;
	__u64 words[512];
};

static int refill(struct reader *reader)
{
	ssize_t got = pread(reader->tracee->mem, reader->words,
			    sizeof(reader->words), (off_t)reader->at);

	if (got < (ssize_t)sizeof(*reader->words))
		return got < 0 ? -errno : -EFAULT;
	reader->next = 0;
	reader->count = (size_t)got / sizeof(*reader->words);
	return 0;
}

static int next_word(struct reader *reader, __u64 *word)
{
	int err = reader->next < reader->count ? 0 : refill(reader);

	if (err)
		return err;
	*word = reader->words[reader->next++];
	reader->at += sizeof(*word);
	return 0;
}

static int skip_past_null(struct reader *reader)
{
	__u64 word;
	int err;

	for (size_t i = 0; i < WORDS_MAX; i++) {
		err = next_word(reader, &word);
		if (err || !word)
			return err;
	}
	return -E2BIG;
}

static int find_entry(struct reader *reader, __u64 *entry, __u64 *vdso)
{
	for (int i = 0; i < AUXV_MAX; i++) {
		__u64 type, value, at = reader->at;
		int err = next_word(reader, &type);

		if (!err)
			err = next_word(reader, &value);
		if (err)
			return err;
		if (type == AT_NULL)
			return -ENOENT;
		if (type != AT_SYSINFO_EHDR && type != AT_IGNORE)
			continue;
		*entry = at;
		*vdso = value;
		return 0;
	}
	return -ENOENT;
}

int tnb_stack_find_vdso(const struct tnb_tracee *tracee, __u64 sp, __u64 *entry,
			__u64 *vdso)
{
	struct reader reader = { .tracee = tracee, .at = sp };
	__u64 argc;
	int err = next_word(&reader, &argc);

	/* argv, then envp */
	if (!err)
		err = skip_past_null(&reader);
	if (!err)
		err = skip_past_null(&reader);
	return err ? err : find_entry(&reader, entry, vdso);
}
