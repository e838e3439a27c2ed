/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tells no time: the kernel's own functions, by a jump. Programs look for
 * them in the image that AT_SYSINFO_EHDR names, which is ours; what the running
 * kernel does not have is hidden from them (exports.h), so that there is
 * always somewhere to jump to.
 *
 * Nothing but a jump: arguments on the stack stay where the kernel's function
 * expects them, and the kernel knows some of its functions by the address they
 * are interrupted at.
 */
#include <stddef.h>
#include <abi/vdso_link.h>

_Static_assert(offsetof(struct tnb_vdso_link, forward) == TNB_VDSO_LINK_FORWARD,
	       "the jumps read elsewhere");

/* `at` follows the table, as the link page does. One range for unwinders:
 * the page has no room for one a function. */
#define FORWARD(name, twin)                              \
	".balign 8, 0xcc\n"                              \
	".globl __vdso_" #name "\n"                      \
	".type __vdso_" #name ", @function\n"            \
	"__vdso_" #name ":\n"                            \
	"jmp *tnb_link + at(%rip)\n"                     \
	".size __vdso_" #name ", . - __vdso_" #name "\n" \
	".set at, at + 8\n" twin(name)
#define TWIN(name)          \
	".weak " #name "\n" \
	".set " #name ", __vdso_" #name "\n"
#define ALONE(name)
#define STRING(number) STRING_OF(number)
#define STRING_OF(number) #number
#define FIRST STRING(TNB_VDSO_LINK_FORWARD)
#define JUMPS TNB_VDSO_FORWARDS(FORWARD)

__asm__(".pushsection .text.tnb_forward, \"ax\", @progbits\n"
	".hidden tnb_link\n"
	".set at, " FIRST "\n"
	".cfi_startproc\n" JUMPS ".cfi_endproc\n"
	".popsection\n");
