/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways in which programs find the kernel's vDSO for themselves. */
#ifndef TIMENSBPF_TESTS_PROBES_VDSO_LOOKUP_H
#define TIMENSBPF_TESTS_PROBES_VDSO_LOOKUP_H

enum vdso_way {
	VDSO_BY_GETAUXVAL, /* what the C library was given */
	VDSO_BY_STACK,	   /* the auxv behind the environment on the stack */
	VDSO_BY_PROC_AUXV, /* /proc/self/auxv */
	VDSO_BY_PRCTL,	   /* PR_GET_AUXV, 6.4 and later */
	VDSO_BY_MAPPING,   /* [vdso] in /proc/self/maps */
	VDSO_WAYS,
};

const char *vdso_way_name(enum vdso_way way);

/* The start of the vDSO's image, NULL if this way leads nowhere. `environ` is
 * as it was at the start of the process. */
const void *vdso_find(enum vdso_way way, char **environ_at_start);

/* The address of a function of the image, NULL if it has none. */
void *vdso_symbol(const void *image, const char *name);

#endif
