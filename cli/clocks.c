/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clocks.h"

#include "when.h"

struct poptOption clocks_options[] = {
	{ "realtime", '\0', POPT_ARG_STRING, NULL, CLOCKS_VAL + TNB_REALTIME,
	  "date (2038-01-19 03:14:00, @EPOCH) or distance from the host's (+3d, -90s, +1h30m)",
	  "WHEN" },
	{ "monotonic", '\0', POPT_ARG_STRING, NULL, CLOCKS_VAL + TNB_MONOTONIC,
	  "distance from the host's, as +1.5h", "DELTA" },
	{ "boottime", '\0', POPT_ARG_STRING, NULL, CLOCKS_VAL + TNB_BOOTTIME,
	  "distance from the host's", "DELTA" },
	POPT_TABLEEND
};

static void take_realtime(const struct command *command, const char *value,
			  struct tnb_change *change)
{
	struct when when;

	if (when_parse(value, &when))
		command_usage(command, "--realtime: %s", when_error());
	change->offset_ns[TNB_REALTIME] = when.ns;
	change->realtime_is_date = when.is_date;
}

bool clocks_take(const struct command *command, int val, const char *value,
		 struct tnb_change *change)
{
	enum tnb_clock_id clock = (enum tnb_clock_id)(val - CLOCKS_VAL);

	if (val < CLOCKS_VAL || val >= CLOCKS_VAL + TNB_CLOCKS)
		return false;
	if (change->given[clock])
		command_usage(command, "--%s is given twice",
			      tnb_clock_name(clock));
	if (clock == TNB_REALTIME)
		take_realtime(command, value, change);
	else if (when_parse_delta(value, &change->offset_ns[clock]))
		command_usage(command, "--%s: %s", tnb_clock_name(clock),
			      when_error());
	change->given[clock] = true;
	return true;
}

bool clocks_given(const struct tnb_change *change)
{
	for (int i = 0; i < TNB_CLOCKS; i++)
		if (change->given[i])
			return true;
	return false;
}
