/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of the system calls by which a process reads its clock (door A of
 * docs/surface.md). Each row becomes BPF programs (bpf/read) with their rows of
 * the catalogue (programs.h).
 *
 * X(NAME, kernel function, worker, layout of the caller's memory)
 *
 * The functions are those of the kernel's system call tables
 * (arch/x86/entry/syscalls). All of them take one pt_regs. The kernel emulates
 * the vsyscall page by the same __x64_ functions.
 */
#ifndef TIMENSBPF_ABI_TABLES_READS_H
#define TIMENSBPF_ABI_TABLES_READS_H

/* The value is in the caller's memory, and is corrected there at the return. */
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
	  compat_time64)

/* The value is the return value: a program answers in place of the kernel. */
#define TNB_TIME_DOORS(X)                         \
	X(x64_time, __x64_sys_time, time, native) \
	X(ia32_time32, __ia32_sys_time32, time, compat)

/*
 * Programs of each on a preemptible kernel, see bpf/read/clock_time.bpf.c. Two
 * versions at once stay below the kernel's BPF_MAX_TRAMP_LINKS
 * (include/linux/bpf.h).
 */
#define TNB_TIME_COPIES 8
#define TNB_EACH_TIME_COPY(X, ...) \
	X(0, __VA_ARGS__)          \
	X(1, __VA_ARGS__)          \
	X(2, __VA_ARGS__)          \
	X(3, __VA_ARGS__)          \
	X(4, __VA_ARGS__)          \
	X(5, __VA_ARGS__)          \
	X(6, __VA_ARGS__)          \
	X(7, __VA_ARGS__)

#define TNB_DOOR_ENUM(name, function, worker, layout) TNB_DOOR_##name,
enum tnb_door { TNB_READ_DOORS(TNB_DOOR_ENUM) TNB_DOOR_MAX };
#undef TNB_DOOR_ENUM

#define TNB_TIME_ENUM(name, function, worker, layout) TNB_TIME_##name,
enum tnb_time_door { TNB_TIME_DOORS(TNB_TIME_ENUM) TNB_TIME_DOOR_MAX };
#undef TNB_TIME_ENUM

#endif
