/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "inject/arch.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>

extern const char tnb_bounded_ptrace_call[], tnb_bounded_ptrace_behind[];
__asm__(".pushsection .text\n"
	".globl tnb_bounded_ptrace\n"
	".hidden tnb_bounded_ptrace\n"
	".type tnb_bounded_ptrace, @function\n"
	"tnb_bounded_ptrace:\n"
	"	.cfi_startproc\n"
	"	mov	%rcx, %r10\n"
	"	mov	$101, %eax\n"
	"tnb_bounded_ptrace_call:\n"
	"	syscall\n"
	"tnb_bounded_ptrace_behind:\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size tnb_bounded_ptrace, . - tnb_bounded_ptrace\n"
	".popsection");
_Static_assert(SYS_ptrace == 101, "of the code above");

/* The thread stands at the call's instruction where the kernel makes it again.
 */
void tnb_bounded_ptrace_end(void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	if (regs[REG_RIP] != (greg_t)(uintptr_t)tnb_bounded_ptrace_call)
		return;
	regs[REG_RIP] = (greg_t)(uintptr_t)tnb_bounded_ptrace_behind;
	regs[REG_RAX] = -EINTR;
}
