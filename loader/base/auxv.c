/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "auxv.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Arguments and environment are at most 6 MiB of strings (fs/exec.c,
 * bprm_stack_limits), so there are no more words than that. */
#define WORDS_MAX (6u << 20)

/* The kernel stores some two dozen entries (AT_VECTOR_SIZE). A process can say
 * that its vector is elsewhere (PR_SET_MM_MAP), and must not keep us reading.
 */
#define ENTRIES_MAX 64u

static int refill(struct tnb_auxv *auxv)
{
	ssize_t got = tnb_peek_read(&auxv->peek, auxv->at, auxv->block,
				    sizeof(auxv->block));

	auxv->next = auxv->end = 0;
	if (got < (ssize_t)auxv->word)
		return got < 0 ? (int)got : -EFAULT;
	auxv->end = (size_t)got / auxv->word * auxv->word;
	return 0;
}

static int next_word(struct tnb_auxv *auxv, uint64_t *word)
{
	int err = auxv->next < auxv->end ? 0 : refill(auxv);

	if (err)
		return err;
	*word = 0;
	memcpy(word, auxv->block + auxv->next, auxv->word);
	auxv->next += auxv->word;
	auxv->at += auxv->word;
	return 0;
}

/* argv by its count: programs write into the array, NULLs too. */
static int skip_arguments(struct tnb_auxv *auxv)
{
	uint64_t count;
	int err = next_word(auxv, &count);

	if (err)
		return err;
	if (count > WORDS_MAX)
		return -E2BIG;
	auxv->at += (count + 1) * auxv->word;
	auxv->next = auxv->end = 0;
	return 0;
}

static int skip_environment(struct tnb_auxv *auxv)
{
	uint64_t word;
	int err;

	for (unsigned int i = 0; i < WORDS_MAX; i++) {
		err = next_word(auxv, &word);
		if (err || !word)
			return err;
	}
	return -E2BIG;
}

int tnb_auxv_begin(struct tnb_auxv *auxv, const struct tnb_peek *peek,
		   uint64_t stack, unsigned int word)
{
	int err;

	auxv->peek = *peek;
	auxv->word = word;
	auxv->at = stack;
	auxv->next = auxv->end = 0;
	auxv->entries = 0;
	err = skip_arguments(auxv);
	return err ? err : skip_environment(auxv);
}

int tnb_auxv_next(struct tnb_auxv *auxv, struct tnb_auxv_entry *entry)
{
	int err;

	if (auxv->entries++ == ENTRIES_MAX)
		return -E2BIG;
	entry->at = auxv->at;
	err = next_word(auxv, &entry->type);
	if (!err)
		err = next_word(auxv, &entry->value);
	return err ? err : entry->type != AT_NULL;
}
