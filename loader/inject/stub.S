/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See stub.h. Position independent; its data follow its end. The first system
 * call is the one at which the loader stops the process; with no loader there
 * every call that follows fails or returns at once, and the registers come back.
 *
 *   rbx, rbp  the sockets    r12  the frame
 *   r13       the map        r14  the three pages, or an error
 *
 * Frame: 0 sockets, 8 reply, 16 pollfd, 24 iovec, 40 msghdr, 96 control, 128 byte
 */
#include "stub.h"

#define SYS_mmap 9
#define SYS_poll 7
#define SYS_munmap 11
#define SYS_rt_sigprocmask 14
#define SYS_close 3
#define SYS_sendto 44
#define SYS_recvmsg 47
#define SYS_socketpair 53

#define AF_UNIX 1
#define SOCK_SEQPACKET_CLOEXEC 0x80005
#define MSG_DONTWAIT_CMSG_CLOEXEC 0x40000040
#define MSG_NOSIGNAL 0x4000
#define PAGES 0x3000
#define PAGE 0x1000
#define PROT_READ 1
#define PROT_READ_EXEC 5
#define MAP_PRIVATE_ANONYMOUS 0x22
#define MAP_SHARED_FIXED 0x11
#define POLLIN 1
#define SIG_SETMASK 2
#define ERRORS -4095

#define DATA(offset) tnb_stub_end + offset(%rip)

	.section .rodata.stub, "a", @progbits
	.balign 8
	.globl tnb_stub_begin, tnb_stub_end
	.hidden tnb_stub_begin, tnb_stub_end
tnb_stub_begin:
	lea	-STUB_FRAME_BELOW(%rsp), %rsp
	and	$-64, %rsp
	mov	%rsp, %r12
	mov	$SYS_socketpair, %eax
	mov	$AF_UNIX, %edi
	mov	$SOCK_SEQPACKET_CLOEXEC, %esi
	xor	%edx, %edx
	mov	%r12, %r10
	syscall
	test	%eax, %eax
	jnz	.Lrestore
	mov	STUB_SOCKETS(%r12), %ebx
	mov	STUB_SOCKETS + 4(%r12), %ebp

	/* The loader has sent the map already, or nobody has. */
	lea	128(%r12), %rax
	mov	%rax, 24(%r12)
	movq	$1, 32(%r12)
	xor	%eax, %eax
	mov	%rax, 40(%r12)
	mov	%rax, 48(%r12)
	lea	24(%r12), %rcx
	mov	%rcx, 56(%r12)
	movq	$1, 64(%r12)
	lea	96(%r12), %rcx
	mov	%rcx, 72(%r12)
	movq	$24, 80(%r12)
	mov	%rax, 88(%r12)
	mov	$SYS_recvmsg, %eax
	mov	%ebx, %edi
	lea	40(%r12), %rsi
	mov	$MSG_DONTWAIT_CMSG_CLOEXEC, %edx
	syscall
	mov	%rax, %r14
	mov	%ebp, %edi
	mov	$SYS_close, %eax
	syscall
	cmp	$1, %r14
	jne	.Lclose
	cmpq	$20, 80(%r12)
	jb	.Lclose
	mov	112(%r12), %r13d

	mov	$SYS_mmap, %eax
	xor	%edi, %edi
	mov	$PAGES, %esi
	mov	$PROT_READ_EXEC, %edx
	mov	$MAP_PRIVATE_ANONYMOUS, %r10d
	mov	$-1, %r8
	xor	%r9d, %r9d
	syscall
	mov	%rax, %r14
	cmp	$ERRORS, %rax
	jae	.Lreport
	mov	$SYS_mmap, %eax
	mov	%r14, %rdi
	mov	$PAGE, %esi
	mov	$PROT_READ, %edx
	mov	$MAP_SHARED_FIXED, %r10d
	mov	%r13, %r8
	mov	DATA(STUB_MAP_OFFSET), %r9
	syscall
	cmp	$ERRORS, %rax
	jb	.Lreport
	xchg	%rax, %r14
	mov	%rax, %rdi
	mov	$PAGES, %esi
	mov	$SYS_munmap, %eax
	syscall

.Lreport:
	mov	%r13d, %edi
	mov	$SYS_close, %eax
	syscall
	mov	%r14, 8(%r12)
	mov	$SYS_sendto, %eax
	mov	%ebx, %edi
	lea	8(%r12), %rsi
	mov	$8, %edx
	mov	$MSG_NOSIGNAL, %r10d
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	syscall
	/* Until the loader closes its end, also by dying. */
	mov	%ebx, 16(%r12)
	movl	$POLLIN, 20(%r12)
	mov	$SYS_poll, %eax
	lea	16(%r12), %rdi
	mov	$1, %esi
	mov	$STUB_WAIT_MS, %edx
	syscall
.Lclose:
	mov	%ebx, %edi
	mov	$SYS_close, %eax
	syscall
.Lrestore:
	mov	$SYS_rt_sigprocmask, %eax
	mov	$SIG_SETMASK, %edi
	lea	DATA(STUB_MASK), %rsi
	xor	%edx, %edx
	mov	$8, %r10d
	syscall
	mov	DATA(STUB_REG_R15), %r15
	mov	DATA(STUB_REG_R14), %r14
	mov	DATA(STUB_REG_R13), %r13
	mov	DATA(STUB_REG_R12), %r12
	mov	DATA(STUB_REG_RBP), %rbp
	mov	DATA(STUB_REG_RBX), %rbx
	mov	DATA(STUB_REG_R11), %r11
	mov	DATA(STUB_REG_R10), %r10
	mov	DATA(STUB_REG_R9), %r9
	mov	DATA(STUB_REG_R8), %r8
	mov	DATA(STUB_REG_RAX), %rax
	mov	DATA(STUB_REG_RCX), %rcx
	mov	DATA(STUB_REG_RDX), %rdx
	mov	DATA(STUB_REG_RSI), %rsi
	mov	DATA(STUB_REG_RDI), %rdi
	pushq	DATA(STUB_REG_FLAGS)
	popfq
	mov	DATA(STUB_REG_RSP), %rsp
	jmp	*DATA(STUB_REG_RIP)
	.balign 8
tnb_stub_end:

	.section .note.GNU-stack, "", @progbits
