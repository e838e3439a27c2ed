/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tells no time: the kernel's own functions, by a jump. The C library
 * looks for them in the image that AT_SYSINFO_EHDR names, which is ours.
 */
#include "image.h"

#include <errno.h>

typedef long function(void *, void *, void *, void *, unsigned long);

/* Prototypes: -Wmissing-prototypes is right about any other file. */
EXPORTED long __vdso_clock_getres(long clock, void *resolution);
EXPORTED long __vdso_getcpu(void *cpu, void *node, void *unused);
long clock_getres(long clock, void *resolution) WEAK_NAME(clock_getres);
long getcpu(void *cpu, void *node, void *unused) WEAK_NAME(getcpu);

long __vdso_clock_getres(long clock, void *resolution)
{
	function *kernels = (function *)tnb_link.clock_getres;

	if (kernels)
		return kernels((void *)clock, resolution, NULL, NULL, 0);
	return raw_call(SYS_clock_getres, (void *)clock, resolution, NULL);
}

long __vdso_getcpu(void *cpu, void *node, void *unused)
{
	function *kernels = (function *)tnb_link.getcpu;

	if (kernels)
		return kernels(cpu, node, unused, NULL, 0);
	return raw_call(SYS_getcpu, cpu, node, unused);
}

#ifdef TNB_IMAGE_GETRANDOM
EXPORTED long __vdso_getrandom(void *buffer, size_t length, unsigned long flags,
			       void *state, unsigned long state_size);
long getrandom(void *buffer, size_t length, unsigned long flags, void *state,
	       unsigned long state_size) WEAK_NAME(getrandom);

/* getrandom(2) without a state; the question how large one has to be (which
 * the size ~0 stands for) has no answer then. */
long __vdso_getrandom(void *buffer, size_t length, unsigned long flags,
		      void *state, unsigned long state_size)
{
	function *kernels = (function *)tnb_link.getrandom;

	if (kernels)
		return kernels(buffer, (void *)length, (void *)flags, state,
			       state_size);
	if (state_size == ~0UL)
		return -ENOSYS;
	return raw_call(SYS_getrandom, buffer, (void *)length, (void *)flags);
}
#endif
