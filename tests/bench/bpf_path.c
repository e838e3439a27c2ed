/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpf_path.h"

#include "turns.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PINS "/sys/fs/bpf/timensbpf/progs/"
#define STACK_BYTES 512
#define STACK_TOP 0x10000000ULL
/* Whatever is not the stack: reads as zero, and is not NULL. */
#define ELSEWHERE 0x40000000ULL
#define STEPS_MAX 100000

/* ---- The translated program -------------------------------------------- */

struct program {
	struct bpf_insn *insn;
	unsigned int count;
};

static int open_pin(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), PINS "%s", name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

static struct program program_load(const char *name)
{
	struct bpf_prog_info info = { 0 };
	struct program program = { 0 };
	uint32_t size = sizeof(info);
	int fd = open_pin(name);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		die("%s: %s", name, strerror(errno));
	program.count = info.xlated_prog_len / sizeof(*program.insn);
	program.insn = calloc(program.count, sizeof(*program.insn));
	memset(&info, 0, sizeof(info));
	info.xlated_prog_insns = (uint64_t)(uintptr_t)program.insn;
	info.xlated_prog_len = program.count * sizeof(*program.insn);
	if (!program.insn || bpf_obj_get_info_by_fd(fd, &info, &size) ||
	    !info.xlated_prog_insns)
		die("%s: its instructions cannot be read", name);
	close(fd);
	return program;
}

/* ---- Names of helpers -------------------------------------------------- */

static bool find_symbol(const char *want, uint64_t address, uint64_t *found,
			char name[64])
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	char line[512], word[256];
	bool done = false;
	unsigned long long at;

	while (symbols && !done && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%llx %*c %255s", &at, word) != 2)
			continue;
		done = want ? !strcmp(word, want) : at == address;
	}
	if (symbols)
		fclose(symbols);
	if (!done)
		return false;
	*found = at;
	snprintf(name, 64, "%.63s", word);
	return true;
}

/* A translated call holds its target's distance from __bpf_call_base. */
static const char *helper_name(int32_t distance)
{
	static struct {
		int32_t distance;
		char name[64];
	} known[32];
	static uint64_t base;
	static size_t count;
	uint64_t at;
	char name[64];

	for (size_t i = 0; i < count; i++)
		if (known[i].distance == distance)
			return known[i].name;
	if (!base && !find_symbol("__bpf_call_base", 0, &base, name))
		die("/proc/kallsyms does not tell __bpf_call_base");
	if (count == sizeof(known) / sizeof(*known) ||
	    !find_symbol(NULL, base + (uint64_t)(int64_t)distance, &at,
			 known[count].name))
		die("an unknown helper in a program, at %d", distance);
	known[count].distance = distance;
	return known[count++].name;
}

/* ---- The interpreter --------------------------------------------------- */

struct machine {
	uint64_t reg[11];
	uint8_t stack[STACK_BYTES];
	bool lookups_find; /* the state that the helpers answer from */
	bool at_return;
	bool tail_called;
	bool wrote; /* the caller's memory: the goal of a virtual read */
	struct bpf_path path;
};

static uint64_t helper_answer(const struct machine *m, const char *name)
{
	if (strstr(name, "map_lookup_elem"))
		return m->lookups_find ? ELSEWHERE : 0;
	if (strstr(name, "session_is_return"))
		return m->at_return;
	if (strstr(name, "get_current") || strstr(name, "task_pt_regs"))
		return ELSEWHERE;
	return 0;
}

static uint8_t *stack_at(struct machine *m, uint64_t address, size_t size)
{
	uint64_t bottom = STACK_TOP - STACK_BYTES;

	if (address < bottom || address + size > STACK_TOP)
		return NULL;
	return &m->stack[address - bottom];
}

static size_t access_size(const struct bpf_insn *insn)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static void access_memory(struct machine *m, const struct bpf_insn *insn)
{
	bool load = BPF_CLASS(insn->code) == BPF_LDX;
	bool immediate = BPF_CLASS(insn->code) == BPF_ST;
	uint64_t address = m->reg[load ? insn->src_reg : insn->dst_reg] +
			   (uint64_t)(int64_t)insn->off;
	size_t size = access_size(insn);
	uint8_t *at = stack_at(m, address, size);
	uint64_t value = 0;

	if (load) {
		if (at)
			memcpy(&value, at, size);
		m->reg[insn->dst_reg] = value;
		return;
	}
	value = immediate ? (uint64_t)(int64_t)insn->imm
			  : m->reg[insn->src_reg];
	if (at)
		memcpy(at, &value, size);
}

static uint64_t alu(uint8_t op, uint64_t a, uint64_t b, unsigned int bits)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : a;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & (bits - 1));
	case BPF_RSH:
		return a >> (b & (bits - 1));
	case BPF_ARSH:
		return bits == 32 ? (uint64_t)((int32_t)a >> (b & 31))
				  : (uint64_t)((int64_t)a >> (b & 63));
	case BPF_NEG:
		return 0 - a;
	case BPF_MOV:
		return b;
	default:
		die("an instruction that the bench does not know: alu %#x", op);
	}
}

static uint64_t operand(const struct machine *m, const struct bpf_insn *insn)
{
	return BPF_SRC(insn->code) == BPF_X ? m->reg[insn->src_reg]
					    : (uint64_t)(int64_t)insn->imm;
}

static void compute(struct machine *m, const struct bpf_insn *insn)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;
	uint64_t a = m->reg[insn->dst_reg], b = operand(m, insn);

	if (!wide) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	a = alu(BPF_OP(insn->code), a, b, wide ? 64 : 32);
	m->reg[insn->dst_reg] = wide ? a : (uint32_t)a;
}

static bool compare(uint8_t op, uint64_t a, uint64_t b, int64_t sa, int64_t sb)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return a & b;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	case BPF_JSLE:
		return sa <= sb;
	default:
		die("an instruction that the bench does not know: jump %#x",
		    op);
	}
}

static bool is_taken(const struct machine *m, const struct bpf_insn *insn)
{
	uint64_t a = m->reg[insn->dst_reg], b = operand(m, insn);

	if (BPF_OP(insn->code) == BPF_JA)
		return true;
	if (BPF_CLASS(insn->code) == BPF_JMP)
		return compare(BPF_OP(insn->code), a, b, (int64_t)a,
			       (int64_t)b);
	return compare(BPF_OP(insn->code), (uint32_t)a, (uint32_t)b, (int32_t)a,
		       (int32_t)b);
}

/* False: the program ends here. */
static bool call_helper(struct machine *m, const struct bpf_insn *insn)
{
	if (insn->src_reg == BPF_PSEUDO_CALL)
		die("a function of a program: the bench cannot follow it");
	m->path.calls++;
	if (!insn->src_reg && insn->imm == BPF_FUNC_tail_call) {
		m->tail_called = true;
		return false;
	}
	m->reg[0] = helper_answer(m, helper_name(insn->imm));
	m->wrote |= strstr(helper_name(insn->imm), "probe_write_user") != NULL;
	return true;
}

/* One instruction. Returns the next one's index, -1 at the end. */
static long step(struct machine *m, const struct program *program, long at)
{
	const struct bpf_insn *insn = &program->insn[at];

	m->path.instructions++;
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD: /* the constant of a map or an address, two slots */
		m->reg[insn->dst_reg] = ELSEWHERE;
		return at + 2;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		if (BPF_MODE(insn->code) != BPF_ATOMIC)
			access_memory(m, insn);
		return at + 1;
	case BPF_ALU:
	case BPF_ALU64:
		compute(m, insn);
		return at + 1;
	}
	if (BPF_OP(insn->code) == BPF_EXIT)
		return -1;
	if (BPF_OP(insn->code) == BPF_CALL)
		return call_helper(m, insn) ? at + 1 : -1;
	return at + 1 + (is_taken(m, insn) ? insn->off : 0);
}

static void follow(struct machine *m, const char *name)
{
	struct program program = program_load(name);
	long at = 0;

	memset(m->reg, 0, sizeof(m->reg));
	m->tail_called = false;
	m->reg[1] = ELSEWHERE;
	m->reg[10] = STACK_TOP;
	for (int i = 0; at >= 0; i++) {
		if (at >= (long)program.count || i == STEPS_MAX)
			die("%s: the bench lost its way", name);
		at = step(m, &program, at);
	}
	free(program.insn);
}

/* ---- Of a read --------------------------------------------------------- */

struct read_programs {
	const char *attach, *stub, *worker;
};

static const struct read_programs *programs_of(const char *attach)
{
	static const struct read_programs programs[] = {
		{ "fexit", "fexit_x64_clock_gettime",
		  "read_x64_clock_gettime" },
		{ "session", "session_clock", "read_session" },
		{ "kretprobe", "kretprobe_clock", "read_kretprobe" },
	};

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (!strcmp(programs[i].attach, attach))
			return &programs[i];
	die("no programs for %s", attach);
}

struct bpf_path bpf_path_of_read(const char *attach, bool virtual_read)
{
	const struct read_programs *programs = programs_of(attach);
	struct machine machine = { .lookups_find = virtual_read };

	follow(&machine, programs->stub);
	/* Runs at the return too, if its entry asks for that. */
	if (!strcmp(attach, "session") && virtual_read) {
		machine.at_return = true;
		follow(&machine, programs->stub);
	}
	if (machine.tail_called)
		follow(&machine, programs->worker);
	/* The model no longer fits the programs: better nothing than less. */
	if (machine.wrote != virtual_read)
		die("the bench lost its way through the programs of %s",
		    attach);
	return machine.path;
}

struct bpf_time bpf_time_of_read(const char *attach)
{
	int fd = open_pin(programs_of(attach)->stub);
	struct bpf_prog_info info = { 0 };
	struct bpf_time time = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		die("bpf_prog_info: %s", strerror(errno));
	close(fd);
	time.runs = info.run_cnt;
	time.ns = info.run_time_ns;
	return time;
}
