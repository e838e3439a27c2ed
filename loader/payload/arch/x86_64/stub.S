/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See payload/stub.h. 64-bit code, also in 32-bit programs, which it returns to
 * by a far jump. Position independent; its data follow its end. The first system
 * call is the one at which the loader stops the process; with no loader there
 * every call that follows fails or returns at once, and the registers come back.
 *
 *   rbx, rbp  the sockets    r12  the frame
 *   r13       the map        r14  the three pages, or an error
 *
 * Frame: 0 sockets, 8 reply, 24 iovec, 40 msghdr, 96 control, 128 byte,
 * 136 timeval. It is a page of its own: what is below the stack pointer may be
 * in use by others, as with the small stacks of Go. It begins as zeros.
 */
#include "stub_data.h"

#define SYS_mmap 9
#define SYS_munmap 11
#define SYS_rt_sigprocmask 14
#define SYS_close 3
#define SYS_sendto 44
#define SYS_recvfrom 45
#define SYS_recvmsg 47
#define SYS_socketpair 53
#define SYS_setsockopt 54

#define AF_UNIX 1
#define SOCK_SEQPACKET_CLOEXEC 0x80005
#define MSG_DONTWAIT_CMSG_CLOEXEC 0x40000040
#define MSG_NOSIGNAL 0x4000
#define PAGES 0x3000
#define PAGE 0x1000
#define PROT_READ 1
#define PROT_READ_WRITE 3
#define PROT_READ_EXEC 5
#define MAP_SHARED_FIXED 0x11
#define SOL_SOCKET 1
#define SO_RCVTIMEO 20
#define EINTR 4
#define SIG_SETMASK 2
#define ERRORS -4095

#define DATA(offset) tnb_stub_end + offset(%rip)

	.section .rodata.stub, "a", @progbits
	.balign 8
	.globl tnb_stub_begin, tnb_stub_end
	.hidden tnb_stub_begin, tnb_stub_end
tnb_stub_begin:
	mov	$SYS_mmap, %eax
	xor	%edi, %edi
	mov	$PAGE, %esi
	mov	$PROT_READ_WRITE, %edx
	mov	DATA(STUB_MAP_FLAGS), %r10d
	mov	$-1, %r8
	xor	%r9d, %r9d
	syscall
	mov	%rax, %r12
	cmp	$ERRORS, %rax
	jae	.Lrestore
	mov	$SYS_socketpair, %eax
	mov	$AF_UNIX, %edi
	mov	$SOCK_SEQPACKET_CLOEXEC, %esi
	xor	%edx, %edx
	mov	%r12, %r10
	syscall
	test	%eax, %eax
	jnz	.Lunmap
	mov	STUB_SOCKETS(%r12), %ebx
	mov	STUB_SOCKETS + 4(%r12), %ebp

	/* The loader has its own by now. Two descriptors are enough then. */
	mov	%ebp, %edi
	mov	$SYS_close, %eax
	syscall

	/* The loader has sent the map already, or there is no loader. */
	lea	128(%r12), %rax
	mov	%rax, 24(%r12)
	movq	$1, 32(%r12)
	lea	24(%r12), %rcx
	mov	%rcx, 56(%r12)
	movq	$1, 64(%r12)
	lea	96(%r12), %rcx
	mov	%rcx, 72(%r12)
	movq	$24, 80(%r12)
	mov	$SYS_recvmsg, %eax
	mov	%ebx, %edi
	lea	40(%r12), %rsi
	mov	$MSG_DONTWAIT_CMSG_CLOEXEC, %edx
	syscall
	cmp	$1, %rax
	jne	.Lclose
	cmpq	$20, 80(%r12)
	jb	.Lclose
	mov	112(%r12), %r13d

	/* Its pages of an earlier time take another rule's clock page. */
	mov	DATA(STUB_MAP_AT), %r14
	test	%r14, %r14
	jnz	.Lclock_page
	mov	$SYS_mmap, %eax
	xor	%edi, %edi
	mov	$PAGES, %esi
	mov	$PROT_READ_EXEC, %edx
	mov	DATA(STUB_MAP_FLAGS), %r10d
	mov	$-1, %r8
	xor	%r9d, %r9d
	syscall
	mov	%rax, %r14
	cmp	$ERRORS, %rax
	jae	.Lreport
.Lclock_page:
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
	cmpq	$0, DATA(STUB_MAP_AT)
	jne	.Lreport
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
	/* Until the loader closes its end, also by dying. Not poll(2), which
	 * would take the place of what nanosleep(2) and the like left for
	 * restart_syscall(2). */
	movq	$STUB_WAIT_S, 136(%r12)
	mov	$SYS_setsockopt, %eax
	mov	%ebx, %edi
	mov	$SOL_SOCKET, %esi
	mov	$SO_RCVTIMEO, %edx
	lea	136(%r12), %r10
	mov	$16, %r8d
	syscall
	test	%eax, %eax
	jnz	.Lclose
.Lwait:
	mov	$SYS_recvfrom, %eax
	mov	%ebx, %edi
	lea	128(%r12), %rsi
	mov	$1, %edx
	xor	%r10d, %r10d
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	syscall
	cmp	$-EINTR, %rax
	je	.Lwait
.Lclose:
	mov	%ebx, %edi
	mov	$SYS_close, %eax
	syscall
.Lunmap:
	mov	%r12, %rdi
	mov	$PAGE, %esi
	mov	$SYS_munmap, %eax
	syscall
.Lrestore:
	mov	$SYS_rt_sigprocmask, %eax
	mov	$SIG_SETMASK, %edi
	lea	DATA(STUB_MASK), %rsi
	xor	%edx, %edx
	mov	$8, %r10d
	/* Nothing changes the flags from here on, and no signal comes before
	 * the stack pointer is back. */
	lea	DATA(STUB_REG_FLAGS), %rsp
	popfq
	mov	DATA(STUB_REG_RSP), %rsp
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
	mov	DATA(STUB_REG_RDX), %rdx
	mov	DATA(STUB_REG_RSI), %rsi
	mov	DATA(STUB_REG_RDI), %rdi
	/* Without a change of the flags. */
	mov	DATA(STUB_FAR_CS), %ecx
	jrcxz	.Lwide
	mov	DATA(STUB_REG_RCX), %rcx
	ljmp	*DATA(STUB_FAR_IP)
.Lwide:
	mov	DATA(STUB_REG_RCX), %rcx
	jmp	*DATA(STUB_REG_RIP)
	.balign 8
tnb_stub_end:

	.section .note.GNU-stack, "", @progbits
