/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 64-bit divisions, which the compiler has no instruction for, by the names of
 * libgcc, which is not linked. Every divisor in timekeeper.h is a constant
 * below 2^32.
 */
#include <linux/types.h>

#define HIDDEN __attribute__((visibility("hidden")))

HIDDEN __u64 __udivdi3(__u64 number, __u64 by);
HIDDEN __u64 __umoddi3(__u64 number, __u64 by);
HIDDEN __u64 __udivmoddi4(__u64 number, __u64 by, __u64 *rest);

/* In two steps, neither of which can overflow. */
__u64 __udivmoddi4(__u64 number, __u64 by, __u64 *rest)
{
	__u32 high = (__u32)(number >> 32), low = (__u32)number;
	__u32 divisor = (__u32)by, above = high / divisor, below, left;

	__asm__("divl %4"
		: "=a"(below), "=d"(left)
		: "0"(low), "1"(high % divisor), "rm"(divisor)
		: "cc");
	*rest = left;
	return (__u64)above << 32 | below;
}

__u64 __udivdi3(__u64 number, __u64 by)
{
	__u64 rest;

	return __udivmoddi4(number, by, &rest);
}

__u64 __umoddi3(__u64 number, __u64 by)
{
	__u64 rest;

	__udivmoddi4(number, by, &rest);
	return rest;
}
