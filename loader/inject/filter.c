/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A filter is run here as the kernel runs it (kernel/seccomp.c and
 * net/core/filter.c), but on words that may be unknown. Where the way depends
 * on such a word both ways are followed. Jumps lead forward only, so that each
 * way ends.
 */
#define _GNU_SOURCE
#include "filter.h"

#include "arch.h"
#include "base/cleanup.h"

#include <errno.h>
#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Words --------------------------------------------------------------- */

struct word {
	__u32 value;
	bool known;
};

static struct word known(__u32 value)
{
	return (struct word){ value, true };
}

/* Of struct seccomp_data. */
static struct word load(const struct tnb_filter_call *call, __u32 offset)
{
	__u32 at = offset - offsetof(struct seccomp_data, args);
	struct word word = { 0, false };

	if (offset == offsetof(struct seccomp_data, nr))
		return known(call->number);
	if (offset == offsetof(struct seccomp_data, arch))
		return known(tnb_audit_arch(call->narrow));
	if (offset < offsetof(struct seccomp_data, args) ||
	    at / 8 >= TNB_FILTER_ARGUMENTS)
		return word;
	word.value = (__u32)(call->argument[at / 8] >> (at % 8 ? 32 : 0));
	word.known = call->known >> at / 8 & 1;
	return word;
}

static struct word calculate(__u16 operation, struct word a, struct word b)
{
	if (!a.known || !b.known)
		return (struct word){ 0, false };
	switch (operation) {
	case BPF_ADD:
		return known(a.value + b.value);
	case BPF_SUB:
		return known(a.value - b.value);
	case BPF_MUL:
		return known(a.value * b.value);
	case BPF_AND:
		return known(a.value & b.value);
	case BPF_OR:
		return known(a.value | b.value);
	case BPF_XOR:
		return known(a.value ^ b.value);
	case BPF_NEG:
		return known(-a.value);
	case BPF_DIV:
		if (b.value)
			return known(a.value / b.value);
		break;
	case BPF_LSH:
		if (b.value < 32)
			return known(a.value << b.value);
		break;
	case BPF_RSH:
		if (b.value < 32)
			return known(a.value >> b.value);
		break;
	default:
		break;
	}
	return (struct word){ 0, false };
}

static bool compare(__u16 operation, __u32 a, __u32 b)
{
	switch (operation) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default:
		return a & b;
	}
}

/* ---- One filter ---------------------------------------------------------- */

/* Ways that depend on what is not known, one within the other. A filter that
 * has more of them counts as one that refuses. */
#define DEPTH_MAX 12
#define STEPS_MAX 100000

struct run {
	const struct sock_filter *code;
	size_t count;
	const struct tnb_filter_call *call;
	unsigned int steps; /* of all ways */
};

struct machine {
	struct word a, x, memory[BPF_MEMWORDS];
};

static bool lets_pass(struct word verdict)
{
	__u32 action = verdict.value & SECCOMP_RET_ACTION_FULL;

	return verdict.known &&
	       (action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG);
}

static struct word *slot(struct machine *machine, __u32 index)
{
	return &machine->memory[index % BPF_MEMWORDS];
}

/* All instructions but jumps and returns. False: seccomp has no such one. */
static bool execute(struct machine *machine, const struct sock_filter *at,
		    const struct tnb_filter_call *call)
{
	struct word operand = BPF_SRC(at->code) == BPF_X ? machine->x
							 : known(at->k);

	switch (at->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		machine->a = load(call, at->k);
		return true;
	case BPF_LD | BPF_W | BPF_LEN:
		machine->a = known(sizeof(struct seccomp_data));
		return true;
	case BPF_LDX | BPF_W | BPF_LEN:
		machine->x = known(sizeof(struct seccomp_data));
		return true;
	case BPF_LD | BPF_IMM:
		machine->a = known(at->k);
		return true;
	case BPF_LDX | BPF_IMM:
		machine->x = known(at->k);
		return true;
	case BPF_LD | BPF_MEM:
		machine->a = *slot(machine, at->k);
		return true;
	case BPF_LDX | BPF_MEM:
		machine->x = *slot(machine, at->k);
		return true;
	case BPF_ST:
		*slot(machine, at->k) = machine->a;
		return true;
	case BPF_STX:
		*slot(machine, at->k) = machine->x;
		return true;
	case BPF_MISC | BPF_TAX:
		machine->x = machine->a;
		return true;
	case BPF_MISC | BPF_TXA:
		machine->a = machine->x;
		return true;
	default:
		break;
	}
	if (BPF_CLASS(at->code) != BPF_ALU)
		return false;
	/* Its operand is not read. */
	if (BPF_OP(at->code) == BPF_NEG)
		operand = known(0);
	machine->a = calculate(BPF_OP(at->code), machine->a, operand);
	return true;
}

static bool run_from(struct run *run, struct machine machine, size_t at,
		     int depth);

/* The way on from a jump, *at. False: that is decided already. */
static bool jump(struct run *run, const struct machine *machine, size_t *at,
		 int depth, bool *allows)
{
	const struct sock_filter *jump = &run->code[*at];
	struct word operand = BPF_SRC(jump->code) == BPF_X ? machine->x
							   : known(jump->k);
	size_t next = *at + 1;

	if (BPF_OP(jump->code) == BPF_JA) {
		*at = next + jump->k;
		return true;
	}
	if (machine->a.known && operand.known) {
		*at = next + (compare(BPF_OP(jump->code), machine->a.value,
				      operand.value)
				      ? jump->jt
				      : jump->jf);
		return true;
	}
	*allows = depth < DEPTH_MAX &&
		  run_from(run, *machine, next + jump->jt, depth + 1) &&
		  run_from(run, *machine, next + jump->jf, depth + 1);
	return false;
}

static bool run_from(struct run *run, struct machine machine, size_t at,
		     int depth)
{
	while (at < run->count && run->steps++ < STEPS_MAX) {
		const struct sock_filter *next = &run->code[at];
		bool allows;

		switch (BPF_CLASS(next->code)) {
		case BPF_RET:
			return lets_pass(BPF_RVAL(next->code) == BPF_A
						 ? machine.a
						 : known(next->k));
		case BPF_JMP:
			if (!jump(run, &machine, &at, depth, &allows))
				return allows;
			break;
		default:
			if (!execute(&machine, next, run->call))
				return false;
			at++;
		}
	}
	return false;
}

bool tnb_filter_allows(const struct sock_filter *code, size_t count,
		       const struct tnb_filter_call *call)
{
	struct run run = { .code = code, .count = count, .call = call };
	const struct machine begin = { .a = known(0), .x = known(0) };

	return run_from(&run, begin, 0, 0);
}

/* ---- All filters of a thread --------------------------------------------- */

/* How many instructions the filter has; -ENOENT: there are not so many. */
static long get_filter(pid_t tid, unsigned long index, struct sock_filter *to)
{
	long count =
		syscall(SYS_ptrace, PTRACE_SECCOMP_GET_FILTER, tid, index, to);

	return count < 0 ? -errno : count;
}

static int check_filter(pid_t tid, unsigned long index,
			const struct tnb_filter_call *calls, size_t count)
{
	long length = get_filter(tid, index, NULL);
	_cleanup_free_
	struct sock_filter *code = NULL;

	if (length < 0)
		return (int)length;
	code = calloc((size_t)length, sizeof(*code));
	if (!code)
		return -ENOMEM;
	if (get_filter(tid, index, code) != length)
		return -EPERM; /* it does not stand still */
	for (size_t i = 0; i < count; i++)
		if (!tnb_filter_allows(code, (size_t)length, &calls[i]))
			return -EPERM;
	return 0;
}

int tnb_filters_allow(pid_t tid, const struct tnb_filter_call *calls,
		      size_t count)
{
	unsigned long index = 0;
	int err = 0;

	while (!err)
		err = check_filter(tid, index++, calls, count);
	return err == -ENOENT ? 0 : err;
}
