/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vdso/arch.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* jmp *(%rip), and the address behind it: it reaches any address. In 32 bits
 * the plain jump does. */
#define JUMP_SIZE 14u
#define NARROW_JUMP_SIZE 5u
#define SYSCALL_SIZE 2u

uint16_t tnb_arch_machine(bool narrow)
{
	return narrow ? EM_386 : EM_X86_64;
}

/* Of asm/prctl.h; for checkpoints, which Debian's kernels are built for. */
#define MAP_VDSO_32 0x2002

int tnb_arch_map_narrow_vdso(uint64_t address)
{
	long size = syscall(SYS_arch_prctl, MAP_VDSO_32, address);

	return size < 0 ? -errno : size ? 0 : -ENOSYS;
}

const char *tnb_arch_image_lacks(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && d & 1u << 27
		       ? NULL
		       : "the processor has no RDTSCP";
}

/* ---- Jumps --------------------------------------------------------------- */

uint32_t tnb_arch_jump_size(bool narrow)
{
	return narrow ? NARROW_JUMP_SIZE : JUMP_SIZE;
}

static void write_narrow(uint8_t *code, uint64_t from, uint64_t to)
{
	uint32_t distance = (uint32_t)(to - (from + NARROW_JUMP_SIZE));

	code[0] = 0xe9;
	memcpy(code + 1, &distance, sizeof(distance));
}

void tnb_arch_jump_write(uint8_t code[TNB_ARCH_JUMP_MAX], bool narrow,
			 uint64_t from, uint64_t to)
{
	static const uint8_t jmp_indirect[6] = { 0xff, 0x25 };

	memset(code, 0, TNB_ARCH_JUMP_MAX);
	if (narrow) {
		write_narrow(code, from, to);
		return;
	}
	memcpy(code, jmp_indirect, sizeof(jmp_indirect));
	memcpy(code + sizeof(jmp_indirect), &to, sizeof(to));
}

/* What is replaced: the bytes of a jump but its first. */
struct replaced {
	int64_t entry, end;
};

static bool is_replaced(const struct replaced *replaced, int64_t offset)
{
	return offset > replaced->entry && offset < replaced->end;
}

/* Conditional jumps, loops and jmp of one byte's reach. */
static bool is_short_jump(uint8_t opcode)
{
	return (opcode >= 0x70 && opcode <= 0x7f) || opcode == 0xeb ||
	       (opcode >= 0xe0 && opcode <= 0xe3);
}

static bool comes_back(const uint8_t *code, uint32_t at,
		       const struct replaced *replaced, uint32_t limit)
{
	uint8_t opcode = code[at];
	int32_t near;
	int64_t target;

	memcpy(&near, code + at + 1 + (opcode == 0x0f), sizeof(near));
	target = (int64_t)at + 5 + near;
	if (is_short_jump(opcode) &&
	    is_replaced(replaced, at + 2 + (int8_t)code[at + 1]))
		return true;
	if ((opcode == 0xe8 || opcode == 0xe9) && is_replaced(replaced, target))
		return true;
	if (opcode == 0x0f && (code[at + 1] & 0xf0) == 0x80 &&
	    is_replaced(replaced, target + 1))
		return true;
	/* A call's return address, if the call leads anywhere. */
	return opcode == 0xe8 && is_replaced(replaced, at + 5) && target >= 0 &&
	       target < limit;
}

/*
 * Where instructions begin is not known. So any byte may be one, which says
 * "may" now and then where there is none: a change then waits for more threads
 * than it has to.
 */
bool tnb_arch_may_come_back(bool narrow, const uint8_t *code, uint32_t from,
			    uint32_t to, uint32_t entry, uint32_t limit)
{
	const struct replaced replaced = {
		entry, (int64_t)entry + tnb_arch_jump_size(narrow)
	};

	for (uint32_t at = from; at + 6 <= to; at++)
		if (comes_back(code, at, &replaced, limit))
			return true;
	return false;
}

/* ---- System calls -------------------------------------------------------- */

/* syscall; int $0x80 */
static bool is_syscall(const uint8_t *code)
{
	return (code[0] == 0x0f && code[1] == 0x05) ||
	       (code[0] == 0xcd && code[1] == 0x80);
}

bool tnb_arch_is_behind_syscall(const uint8_t *code, uint64_t offset)
{
	return offset >= SYSCALL_SIZE &&
	       is_syscall(code + offset - SYSCALL_SIZE);
}
