/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the image does by hand on this architecture. Included by image.h. */
#ifndef TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_ARCH_H
#define TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_ARCH_H

/* As the kernel's vDSO: the negative errno is the result. */
tnb_fast long raw_call(long number, const void *a, const void *b, const void *c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

/*
 * The counter that the kernel's data are about. RDTSCP waits for the loads
 * before it, as the kernel's own vDSO has it; next to `lfence; rdtsc` it is a
 * nanosecond faster where it was measured. A CPU without it gets the image that
 * makes system calls.
 */
tnb_fast __u64 read_counter(void)
{
	__u64 low, high, cpu;

	__asm__ volatile("rdtscp"
			 : "=a"(low), "=d"(high), "=c"(cpu)
			 :
			 : "memory");
	return high << 32 | low;
}

/* Of a loop that waits for another CPU. */
tnb_fast void relax(void)
{
	__asm__ volatile("pause");
}

/* sec, and one more if nsec is a second or more: in two instructions. */
tnb_fast __u64 add_second(__u64 sec, __u64 nsec)
{
	__asm__("cmp %2, %1\n\tsbb $-1, %0"
		: "+r"(sec)
		: "r"(nsec), "i"(TNB_NSEC_PER_SEC)
		: "cc");
	return sec;
}

#endif
