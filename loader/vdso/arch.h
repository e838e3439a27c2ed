/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the vDSO's code looks like on this architecture. arch/<TNB_ARCH>/
 * implements it; nothing else in this folder knows an instruction.
 */
#ifndef TIMENSBPF_LOADER_VDSO_ARCH_H
#define TIMENSBPF_LOADER_VDSO_ARCH_H

#include <stdbool.h>
#include <stdint.h>

/* e_machine of a vDSO (elf(5)). Here and below, `narrow`: of 32-bit programs.
 */
uint16_t tnb_arch_machine(bool narrow);

/*
 * In the place of the vDSO of this process, map that of 32-bit programs. A
 * process that has done so makes no call of the C library that reads a clock.
 * 0, or -errno: -EINVAL, -ENOSYS (the kernel cannot).
 */
int tnb_arch_map_narrow_vdso(uint64_t address);

/* NULL if the processor can do what the computing images need, or a text that
 * says what it lacks. */
const char *tnb_arch_image_lacks(void);

/* ---- Jumps --------------------------------------------------------------- */

#define TNB_ARCH_JUMP_MAX 16u

/*
 * Bytes of the jump that replaces the beginning of a function. It is one
 * instruction: a thread that is interrupted at the entry stands at its first
 * byte, where the unwind tables still hold.
 */
uint32_t tnb_arch_jump_size(bool narrow);
/* The jump, at address `from`, to `to`. It changes no register. */
void tnb_arch_jump_write(uint8_t code[TNB_ARCH_JUMP_MAX], bool narrow,
			 uint64_t from, uint64_t to);

/*
 * Whether a jump or call in code[from, to) may lead into code[entry + 1, entry
 * + the jump's size). "May" in doubt. `limit`: no code is beyond this offset.
 */
bool tnb_arch_may_come_back(bool narrow, const uint8_t *code, uint32_t from,
			    uint32_t to, uint32_t entry, uint32_t limit);

/* ---- System calls -------------------------------------------------------- */

/* Whether code[offset] follows a system call instruction. */
bool tnb_arch_is_behind_syscall(const uint8_t *code, uint64_t offset);

#endif
