/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "halves.h"

/* Every other CPU of those that the process may use. With one both halves have
 * it. */
void tnb_halves_init(struct tnb_halves *halves)
{
	unsigned int nth = 0;
	cpu_set_t own;

	if (sched_getaffinity(0, sizeof(own), &own))
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &own))
			CPU_SET(cpu, &halves->cpus[nth++ % TNB_HALVES]);
	if (nth == 1)
		halves->cpus[1] = halves->cpus[0];
}

/* A failure is no harm: then the kernel chooses. */
void tnb_halves_join(const struct tnb_halves *halves, unsigned int number)
{
	const cpu_set_t *cpus = &halves->cpus[number % TNB_HALVES];

	if (CPU_COUNT(cpus))
		sched_setaffinity(0, sizeof(*cpus), cpus);
}
