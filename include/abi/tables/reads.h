/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of the system calls by which a process reads its clock (door A of
 * docs/surface.md). Each row becomes BPF programs (bpf/read) with their rows of
 * the catalogue (programs.h).
 *
 * X(NAME, kernel function, worker, layout of the caller's memory)
 *
 * The rows are in arch/: the functions are those of the kernel's system call
 * tables.
 */
#ifndef TIMENSBPF_ABI_TABLES_READS_H
#define TIMENSBPF_ABI_TABLES_READS_H

#include <abi/tables/arch/doors.h>

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
