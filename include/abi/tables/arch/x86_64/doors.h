/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rows of abi/tables/reads.h. The functions are those of the kernel's
 * arch/x86/entry/syscalls: all of them take one pt_regs, and the vsyscall page
 * is emulated through the same __x64_ ones.
 */
#ifndef TIMENSBPF_ABI_TABLES_ARCH_X86_64_DOORS_H
#define TIMENSBPF_ABI_TABLES_ARCH_X86_64_DOORS_H

/*
 * Corrected on the way out: the value lies in the caller's memory. That of
 * time(2) and times(2) is the return value, which the loader changes; time(2)
 * only where the programs of TNB_TIME_DOORS cannot.
 */
#define TNB_READ_DOORS(X)                                                     \
	X(x64_clock_gettime, __x64_sys_clock_gettime, clock_gettime, native)  \
	X(x64_gettimeofday, __x64_sys_gettimeofday, gettimeofday, native)     \
	X(x64_adjtimex, __x64_sys_adjtimex, adjtimex, native)                 \
	X(x64_clock_adjtime, __x64_sys_clock_adjtime, clock_adjtime, native)  \
	X(ia32_clock_gettime32, __ia32_sys_clock_gettime32, clock_gettime,    \
	  compat)                                                             \
	X(ia32_clock_gettime64, __ia32_sys_clock_gettime, clock_gettime,      \
	  compat_time64)                                                      \
	X(ia32_gettimeofday, __ia32_compat_sys_gettimeofday, gettimeofday,    \
	  compat)                                                             \
	X(ia32_adjtimex_time32, __ia32_sys_adjtimex_time32, adjtimex, compat) \
	X(ia32_clock_adjtime32, __ia32_sys_clock_adjtime32, clock_adjtime,    \
	  compat)                                                             \
	X(ia32_clock_adjtime64, __ia32_sys_clock_adjtime, clock_adjtime,      \
	  compat_time64)                                                      \
	X(x64_time, __x64_sys_time, time, native)                             \
	X(ia32_time32, __ia32_sys_time32, time, compat)                       \
	X(x64_times, __x64_sys_times, times, native)                          \
	X(ia32_times, __ia32_compat_sys_times, times, compat)

/* Answered in the kernel's place: the value is the return value. */
#define TNB_TIME_DOORS(X)                         \
	X(x64_time, __x64_sys_time, time, native) \
	X(ia32_time32, __ia32_sys_time32, time, compat)

#endif
