/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signal frames of 32-bit programs, by the kernel's struct sigcontext_32. Those
 * of 64-bit programs are seen in loader/process/change. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "loader/inject/arch.h"
#include <string.h>

/* gs fs es ds di si bp sp bx dx cx ax trap error ip cs flags sp ss */
enum { SP = 7, IP = 14, CS = 15, FLAGS = 16, SP_AT_SIGNAL = 17, SS = 18 };

static uint32_t registers[19];

static int set_up(void **state)
{
	(void)state;
	memset(registers, 0x5a, sizeof(registers));
	registers[SP] = registers[SP_AT_SIGNAL] = 0xffb0100c;
	registers[IP] = 0xf7f25604;
	registers[CS] = 0x23;
	registers[FLAGS] = 0x246;
	registers[SS] = 0x2b;
	return 0;
}

static bool is_frame(struct tnb_signal_frame *frame)
{
	return tnb_signal_frames(true)->at(
		(const unsigned char *)&registers[IP], frame);
}

static void a_frame_is_found(void **state)
{
	const struct tnb_signal_frames *frames = tnb_signal_frames(true);
	struct tnb_signal_frame frame;

	(void)state;
	assert_int_equal(frames->word, 4);
	/* All that is looked at lies within. */
	assert_true(frames->before <= IP * 4);
	assert_int_equal(frames->before, (IP - SP) * 4);
	assert_int_equal(frames->behind, (SS - IP + 1) * 4);
	assert_true(is_frame(&frame));
	assert_int_equal(frame.pc, 0xf7f25604);
	assert_int_equal(frame.sp, 0xffb0100c);
}

/* The kernel leaves the upper halves of segments as they were. */
static void upper_halves_mean_nothing(void **state)
{
	struct tnb_signal_frame frame;

	(void)state;
	registers[CS] |= 0x12340000;
	registers[SS] |= 0x56780000;
	assert_true(is_frame(&frame));
}

static void other_words_are_no_frame(void **state)
{
	static const struct {
		int index;
		uint32_t value;
	} others[] = { { CS, 0x33 },
		       { CS, 0x10 },
		       { SS, 0 },
		       { FLAGS, 0x244 },
		       { FLAGS, 0x40000202 },
		       { SP, 0 },
		       { SP_AT_SIGNAL, 0xffb01010 } };
	struct tnb_signal_frame frame;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		set_up(state);
		registers[others[i].index] = others[i].value;
		assert_false(is_frame(&frame));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_frame_is_found, set_up),
		cmocka_unit_test_setup(upper_halves_mean_nothing, set_up),
		cmocka_unit_test_setup(other_words_are_no_frame, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
