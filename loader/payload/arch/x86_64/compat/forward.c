/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * As forward.c of 64-bit programs: the kernel's own functions, with all
 * registers and the stack as the caller left them. Only code that knows where
 * it is reaches the link page here, so that the address goes by the stack.
 */
#include <stddef.h>
#include <abi/vdso_link.h>

_Static_assert(offsetof(struct tnb_vdso_link, forward) == TNB_VDSO_LINK_FORWARD,
	       "the jumps read elsewhere");

/* `at` follows the table, as the link page does. */
#define FORWARD(name)                              \
	".balign 4, 0xcc\n"                        \
	".globl " #name "\n"                       \
	".type " #name ", @function\n" #name ":\n" \
	".cfi_startproc\n"                         \
	"lea -4(%esp), %esp\n"                     \
	".cfi_adjust_cfa_offset 4\n"               \
	"push %eax\n"                              \
	".cfi_adjust_cfa_offset 4\n"               \
	"call 1f\n"                                \
	".cfi_adjust_cfa_offset 4\n"               \
	"1: pop %eax\n"                            \
	".cfi_adjust_cfa_offset -4\n"              \
	"mov tnb_link + at - 1b(%eax), %eax\n"     \
	"mov %eax, 4(%esp)\n"                      \
	"pop %eax\n"                               \
	".cfi_adjust_cfa_offset -4\n"              \
	"ret\n"                                    \
	".cfi_endproc\n"                           \
	".size " #name ", . - " #name "\n"         \
	".set at, at + 8\n"
#define STRING(number) STRING_OF(number)
#define STRING_OF(number) #number

__asm__(".pushsection .text.tnb_forward, \"ax\", @progbits\n"
	".hidden tnb_link\n"
	".set at, " STRING(TNB_VDSO_LINK_FORWARD) "\n" TNB_VDSO_FORWARDS_32(
		FORWARD) ".popsection\n");
