/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arrays that double when they are full. */
#ifndef TIMENSBPF_LOADER_BASE_ARRAY_H
#define TIMENSBPF_LOADER_BASE_ARRAY_H

#include <stdint.h>
#include <stdlib.h>

#define TNB_ARRAY_FIRST 16u

/*
 * The array with room for one more than `count` elements of `size` bytes, as
 * realloc() returns it; *space: for how many there is room. NULL: no memory,
 * and the array is as it was.
 */
static inline void *tnb_array_grow(void *array, size_t count, size_t *space,
				   size_t size)
{
	size_t wanted = *space ? 2 * *space : TNB_ARRAY_FIRST;
	void *grown;

	if (count < *space)
		return array;
	grown = wanted > SIZE_MAX / size ? NULL : realloc(array, wanted * size);
	if (grown)
		*space = wanted;
	return grown;
}

#endif
