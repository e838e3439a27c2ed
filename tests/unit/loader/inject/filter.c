/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include "loader/inject/arch.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_EQUAL(value, yes, no) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define ALLOW RETURN(SECCOMP_RET_ALLOW)
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)
#define ALLOWS(code, call) \
	tnb_filter_allows(code, sizeof(code) / sizeof(*(code)), call)

/* Of mmap(2): all but the address are known. */
static const struct tnb_filter_call map = {
	.number = SYS_mmap,
	.known = 0x3e,
	.argument = { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, 7,
		      0x1234500006000 },
};

/* ---- What is known ------------------------------------------------------- */

static void a_call_is_known_by_its_number_and_table(void **state)
{
	const struct sock_filter others[] = {
		LOAD(arch), IF_EQUAL(AUDIT_ARCH_X86_64, 1, 0), REFUSE,
		LOAD(nr),   IF_EQUAL(SYS_clock_gettime, 0, 1), REFUSE,
		ALLOW,
	};
	const struct sock_filter this[] = { LOAD(nr), IF_EQUAL(SYS_mmap, 0, 1),
					    REFUSE, ALLOW };
	struct tnb_filter_call call = map;

	(void)state;
	assert_true(ALLOWS(others, &map));
	assert_false(ALLOWS(this, &map));
	call.narrow = true;
	assert_false(ALLOWS(others, &call));
}

/* As systemd's MemoryDenyWriteExecute= does. */
static void bits_of_an_argument_decide(void **state)
{
	const struct sock_filter write_execute[] = {
		LOAD(args[2]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
		IF_EQUAL(PROT_WRITE | PROT_EXEC, 0, 1),
		REFUSE,
		ALLOW,
	};
	const struct sock_filter execute[] = {
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		REFUSE,
		ALLOW,
	};

	(void)state;
	assert_true(ALLOWS(write_execute, &map));
	assert_false(ALLOWS(execute, &map));
}

static void an_argument_has_two_halves(void **state)
{
	const struct sock_filter code[] = {
		LOAD(args[5]),
		IF_EQUAL(0x6000, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[5]) + 4),
		IF_EQUAL(0x12345, 0, 1),
		ALLOW,
		REFUSE,
	};

	(void)state;
	assert_true(ALLOWS(code, &map));
}

static void all_instructions_calculate(void **state)
{
	/* ((7 << 4 >> 1 | 1) ^ 3) * 5 + 9 - 4 = 295; (-(295 / 5) & 255) - 5 */
	const struct sock_filter code[] = {
		LOAD(args[4]),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 4),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 1),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 3),
		BPF_STMT(BPF_LDX | BPF_IMM, 5),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 9),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 4),
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LD | BPF_IMM, 0),
		BPF_STMT(BPF_MISC | BPF_TXA, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_MEM, 3),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 255),
		BPF_STMT(BPF_STX, 4),
		BPF_STMT(BPF_LDX | BPF_MEM, 4),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
		IF_EQUAL(192, 0, 1),
		ALLOW,
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0),
		REFUSE,
	};

	(void)state;
	assert_true(ALLOWS(code, &map));
}

static void what_comes_out_of_the_accumulator_counts(void **state)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_IMM, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_filter logs[] = { RETURN(SECCOMP_RET_LOG) };
	const struct sock_filter traces[] = { RETURN(SECCOMP_RET_TRACE) };
	const struct sock_filter notifies[] = { RETURN(
		SECCOMP_RET_USER_NOTIF) };
	const struct sock_filter kills[] = { RETURN(SECCOMP_RET_KILL_THREAD) };

	(void)state;
	assert_true(ALLOWS(code, &map));
	assert_true(ALLOWS(logs, &map));
	assert_false(ALLOWS(traces, &map));
	assert_false(ALLOWS(notifies, &map));
	assert_false(ALLOWS(kills, &map));
}

/* ---- What is not --------------------------------------------------------- */

static void an_unknown_word_may_be_anything(void **state)
{
	const struct sock_filter refuses_some[] = { LOAD(args[0]),
						    IF_EQUAL(0, 1, 0), REFUSE,
						    ALLOW };
	const struct sock_filter allows_all[] = {
		LOAD(args[0]), IF_EQUAL(5, 0, 1),	 ALLOW,
		LOAD(nr),      IF_EQUAL(SYS_mmap, 0, 1), ALLOW,
		REFUSE,
	};
	const struct sock_filter returns_it[] = {
		LOAD(instruction_pointer),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	(void)state;
	assert_false(ALLOWS(refuses_some, &map));
	assert_true(ALLOWS(allows_all, &map));
	assert_false(ALLOWS(returns_it, &map));
}

/* 2^4000 ways, the last one of which refuses. */
static void many_ways_end(void **state)
{
	enum { JUMPS = 4000 };
	static struct sock_filter code[JUMPS + 2];

	(void)state;
	code[0] = (struct sock_filter)LOAD(args[0]);
	for (int i = 1; i <= JUMPS; i++)
		code[i] = (struct sock_filter)IF_EQUAL((__u32)i, 0, 0);
	code[JUMPS + 1] = (struct sock_filter)ALLOW;
	assert_false(tnb_filter_allows(code, JUMPS + 2, &map));
}

static void what_is_no_filter_allows_nothing(void **state)
{
	const struct sock_filter no_end[] = { LOAD(nr) };
	const struct sock_filter packet[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), ALLOW
	};
	const struct sock_filter far[] = {
		BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), ALLOW
	};

	(void)state;
	assert_false(ALLOWS(no_end, &map));
	assert_false(ALLOWS(packet, &map));
	assert_false(ALLOWS(far, &map));
}

/* ---- Of a thread --------------------------------------------------------- */

static int add_filter(const struct sock_filter *code, unsigned short count)
{
	const struct sock_fprog program = { count, (void *)code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static pid_t start_filtered(int filters)
{
	const struct sock_filter all[] = { ALLOW };
	const struct sock_filter no_mkdir[] = { LOAD(nr),
						IF_EQUAL(SYS_mkdir, 0, 1),
						REFUSE, ALLOW };
	pid_t pid = fork();

	if (pid)
		return pid;
	alarm(20);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(1);
	/* The newest filter is asked first; it is the oldest that refuses. */
	for (int i = 0; i < filters; i++)
		if (i ? add_filter(all, 1) : add_filter(no_mkdir, 4))
			_exit(1);
	raise(SIGSTOP);
	_exit(0);
}

static int ask(int filters, __u32 number)
{
	const struct tnb_filter_call call = { .number = number };
	pid_t pid = start_filtered(filters);
	int status, result;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	result = tnb_filters_allow(pid, &call, 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return result;
}

static void all_filters_of_a_thread_are_asked(void **state)
{
	int result = ask(3, SYS_mkdir);

	(void)state;
	/* Only a caller with CAP_SYS_ADMIN and no filter gets to know them. */
	if (result == -EACCES)
		skip();
	assert_int_equal(result, -EPERM);
	assert_int_equal(ask(3, SYS_rmdir), 0);
	assert_int_equal(ask(0, SYS_rmdir), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_known_by_its_number_and_table),
		cmocka_unit_test(bits_of_an_argument_decide),
		cmocka_unit_test(an_argument_has_two_halves),
		cmocka_unit_test(all_instructions_calculate),
		cmocka_unit_test(what_comes_out_of_the_accumulator_counts),
		cmocka_unit_test(an_unknown_word_may_be_anything),
		cmocka_unit_test(many_ways_end),
		cmocka_unit_test(what_is_no_filter_allows_nothing),
		cmocka_unit_test(all_filters_of_a_thread_are_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
