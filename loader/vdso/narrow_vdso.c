/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A child exchanges its own vDSO for that of 32-bit programs, and copies it
 * into memory that it shares with us.
 */
#define _GNU_SOURCE
#include "narrow_vdso.h"

#include "base/child.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The kernel takes another place if this one is in use. */
#define WANTED_AT 0x10000000u
#define KERNELS_MAX 8

struct shared {
	struct tnb_narrow_vdso vdso;
	bool is_whole;
};

static bool is_kernels(const struct tnb_mapping *mapping)
{
	return tnb_maps_is_named(mapping, "[vdso]") ||
	       tnb_maps_is_named(mapping, "[vvar]") ||
	       tnb_maps_is_named(mapping, "[vvar_vclock]");
}

/* The kernel maps no second vDSO beside the first. */
static bool unmap_own(void)
{
	struct {
		uint64_t begin, end;
	} found[KERNELS_MAX];
	struct tnb_maps maps;
	struct tnb_mapping mapping;
	int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t count = 0;

	if (proc < 0 || tnb_maps_open(proc, &maps))
		return false;
	while (count < KERNELS_MAX && tnb_maps_next(&maps, &mapping) > 0)
		if (is_kernels(&mapping)) {
			found[count].begin = mapping.begin;
			found[count++].end = mapping.end;
		}
	tnb_maps_close(&maps);
	for (size_t i = 0; i < count; i++)
		if (munmap((void *)found[i].begin,
			   found[i].end - found[i].begin))
			return false;
	return true;
}

static void copy(struct shared *shared)
{
	struct tnb_vdso_maps *maps = &shared->vdso.maps;

	if (!unmap_own() || tnb_arch_map_narrow_vdso(WANTED_AT) ||
	    tnb_vdso_maps_read(0, maps) ||
	    maps->vdso_end - maps->vdso > sizeof(shared->vdso.bytes))
		return;
	memcpy(shared->vdso.bytes, (const void *)maps->vdso,
	       maps->vdso_end - maps->vdso);
	shared->is_whole = true;
}

struct tnb_narrow_vdso *tnb_narrow_vdso_read(void)
{
	struct shared *shared = mmap(NULL, sizeof(*shared),
				     PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	if (shared == MAP_FAILED)
		return NULL;
	child = tnb_child_fork();
	if (!child) {
		copy(shared);
		_exit(0);
	}
	if (child > 0)
		tnb_child_reap(child);
	if (child > 0 && shared->is_whole)
		return &shared->vdso;
	tnb_narrow_vdso_free(&shared->vdso);
	return NULL;
}

void tnb_narrow_vdso_free(struct tnb_narrow_vdso *vdso)
{
	if (vdso)
		munmap(vdso, sizeof(struct shared));
}
