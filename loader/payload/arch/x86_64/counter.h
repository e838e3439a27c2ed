/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What 64-bit and 32-bit code do alike. Included by the arch.h of both. */
#ifndef TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_COUNTER_H
#define TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_COUNTER_H

/*
 * The counter that the kernel's data are about. RDTSCP waits for the loads
 * before it, as the kernel's own vDSO has it; next to `lfence; rdtsc` it is a
 * nanosecond faster where it was measured. A CPU without it gets the image that
 * makes system calls.
 */
tnb_fast __u64 read_counter(void)
{
	unsigned long low, high, cpu;

	__asm__ volatile("rdtscp"
			 : "=a"(low), "=d"(high), "=c"(cpu)
			 :
			 : "memory");
	return (__u64)high << 32 | low;
}

/* Of a loop that waits for another CPU. */
tnb_fast void relax(void)
{
	__asm__ volatile("pause");
}

#endif
