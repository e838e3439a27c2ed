/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader's threads are in two halves, which are bound to different CPUs. A
 * single CPU that a hypervisor does not run, or that a thread keeps, keeps
 * only one half from its work. */
#ifndef TIMENSBPF_DAEMON_SERVICE_HALVES_H
#define TIMENSBPF_DAEMON_SERVICE_HALVES_H

#include <abi/channel.h>
#include <sched.h>

struct tnb_halves {
	cpu_set_t cpus[TNB_HALVES];
};

void tnb_halves_init(struct tnb_halves *halves);
/* Bind the calling thread to the CPUs of its half, by its number. */
void tnb_halves_join(const struct tnb_halves *halves, unsigned int number);

#endif
