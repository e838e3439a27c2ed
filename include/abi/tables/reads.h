/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one table of the system calls through which a process reads its clock
 * (door A of docs/surface.md). BPF makes a program of each row, the loader
 * attaches it, `doctor` names it.
 *
 * X(NAME, kernel function, worker, layout of the caller's memory)
 *
 * The rows are in arch/: the functions are those of the kernel's system call
 * tables.
 */
#ifndef TIMENSBPF_ABI_TABLES_READS_H
#define TIMENSBPF_ABI_TABLES_READS_H

#include <abi/tables/arch/doors.h>

/* Programs of each on a preemptible kernel, see bpf/read/clock_time.bpf.c; two
 * versions at once stay below the kernel's BPF_MAX_TRAMP_LINKS. */
#define TNB_TIME_COPIES 8

#define TNB_DOOR_ENUM(name, function, worker, layout) TNB_DOOR_##name,
enum tnb_door { TNB_READ_DOORS(TNB_DOOR_ENUM) TNB_DOOR_MAX };
#undef TNB_DOOR_ENUM

#endif
