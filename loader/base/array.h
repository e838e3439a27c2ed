/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Growing arrays: the space doubles when it is used up. */
#ifndef TIMENSBPF_LOADER_BASE_ARRAY_H
#define TIMENSBPF_LOADER_BASE_ARRAY_H

#include <stdint.h>
#include <stdlib.h>

#define TNB_ARRAY_FIRST 16u

/*
 * Make room for one more element than `count`, each of `size` bytes. Returns
 * the array, which may have moved as by realloc(), and stores in *space for how
 * many elements there is room. NULL: no memory; the array is unchanged.
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
