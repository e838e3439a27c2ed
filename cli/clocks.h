/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options --realtime, --monotonic, --boottime that run and set share. */
#ifndef TIMENSBPF_CLI_CLOCKS_H
#define TIMENSBPF_CLI_CLOCKS_H

#include "command.h"

/* `val` of the clock options: CLOCKS_VAL + enum tnb_clock_id. */
#define CLOCKS_VAL 0x100

/* To be included in a command's table with CLOCKS_TABLE. */
extern struct poptOption clocks_options[];
#define CLOCKS_TABLE                                                         \
	{                                                                    \
		NULL, '\0', POPT_ARG_INCLUDE_TABLE, clocks_options, 0,       \
			"Clocks (those not given keep what they are):", NULL \
	}

/* Take an option if it is a clock: true. Misuse does not return. */
bool clocks_take(const struct command *command, int val, const char *value,
		 struct tnb_clock_settings *settings);

bool clocks_given(const struct tnb_clock_settings *settings);

#endif
