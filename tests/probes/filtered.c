/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * no_clock_calls PROGRAM [ARGUMENT…]: run a program that cannot read a clock by
 * system call (ENOSYS). What it reads all the same, it reads fast.
 *
 * no_socket_calls PROGRAM [ARGUMENT…] (built with NO_SOCKET_CALLS): run one
 * that can be passed no file descriptor, so that no pages are mapped into it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* arch/x86/entry/syscalls/syscall_32.tbl */
#define IA32_TIME 13
#define IA32_GETTIMEOFDAY 78
#define IA32_SOCKETCALL 102
#define IA32_CLOCK_GETTIME 265
#define IA32_SOCKETPAIR 360
#define IA32_RECVMSG 372
#define IA32_CLOCK_GETTIME64 403

#define DENY_IF(number)                                      \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K,                    \
			 SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA))

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 10, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
#ifdef NO_SOCKET_CALLS
		DENY_IF(IA32_SOCKETPAIR),
		DENY_IF(IA32_RECVMSG),
		DENY_IF(IA32_SOCKETCALL),
		DENY_IF(IA32_SOCKETCALL),
#else
		DENY_IF(IA32_CLOCK_GETTIME),
		DENY_IF(IA32_CLOCK_GETTIME64),
		DENY_IF(IA32_GETTIMEOFDAY),
		DENY_IF(IA32_TIME),
#endif
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
#ifdef NO_SOCKET_CALLS
		DENY_IF(SYS_socketpair),
		DENY_IF(SYS_recvmsg),
#else
		DENY_IF(SYS_clock_gettime),
		DENY_IF(SYS_gettimeofday),
		DENY_IF(SYS_time),
#endif
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter),
				      filter };

	if (argc < 2) {
		fprintf(stderr, "usage: %s PROGRAM [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		perror("seccomp");
		return 1;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}
