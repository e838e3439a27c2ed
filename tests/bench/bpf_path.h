/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a clock read costs in BPF: instructions on its path, and time in the
 * attached program.
 *
 * The kernel counts neither instructions nor, under emulation, has it a
 * performance counter for them. So the program is taken from the kernel as it
 * was translated (bpf_prog_info: after verification and inlining, what the JIT
 * got) and its path followed with an interpreter for which all foreign memory
 * is zero and a helper's answer depends on its name only: a map lookup finds
 * nothing (bystander) or something (virtual), a session is at its entry or its
 * return, every other helper succeeds. That is a read of CLOCK_REALTIME that
 * succeeded, from a page that stands still, by the attach cookie 0, without a
 * carry into the seconds. The work inside helpers, in the trampoline or probe,
 * and in x86 instructions is not in the count.
 */
#ifndef TIMENSBPF_TESTS_BENCH_BPF_PATH_H
#define TIMENSBPF_TESTS_BENCH_BPF_PATH_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_path {
	unsigned int instructions;
	unsigned int calls; /* of helpers, those that the kernel inlined not */
};

/* A read by a process without a rule, or with one, where `attach` ("fexit",
 * "session", "kretprobe") is loaded. */
struct bpf_path bpf_path_of_read(const char *attach, bool virtual_read);

struct bpf_time {
	uint64_t runs, ns;
};

/* What the attached program has used so far (kernel.bpf_stats_enabled). */
struct bpf_time bpf_time_of_read(const char *attach);

#endif
