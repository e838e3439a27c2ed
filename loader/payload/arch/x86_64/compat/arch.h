/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the image of 32-bit programs does by hand. Included by image.h. */
#ifndef TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_COMPAT_ARCH_H
#define TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_COMPAT_ARCH_H

/* As the kernel's vDSO: the negative errno is the result. The instruction that
 * every processor has. */
tnb_fast long raw_call(long number, const void *a, const void *b, const void *c)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory");
	return result;
}

/* As in 64 bits. */
tnb_fast __u64 read_counter(void)
{
	__u32 low, high, cpu;

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
