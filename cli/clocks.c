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
			  struct tnb_clock_setting *setting)
{
	struct when when;

	if (when_parse(value, &when))
		command_usage(command, "--realtime: %s", when_error());
	setting->ns = when.ns;
	setting->how = when.is_date ? TNB_SET_DATE : TNB_SET_OFFSET;
}

static void take_delta(const struct command *command, enum tnb_clock_id clock,
		       const char *value, struct tnb_clock_setting *setting)
{
	int64_t ns;

	if (when_parse_delta(value, &ns))
		command_usage(command, "--%s: %s", tnb_clock_name(clock),
			      when_error());
	setting->ns = ns;
	setting->how = TNB_SET_OFFSET;
}

bool clocks_take(const struct command *command, int val, const char *value,
		 struct tnb_clock_settings *settings)
{
	enum tnb_clock_id clock = (enum tnb_clock_id)(val - CLOCKS_VAL);
	struct tnb_clock_setting *setting;

	if (val < CLOCKS_VAL || val >= CLOCKS_VAL + TNB_CLOCKS)
		return false;
	setting = &settings->clock[clock];
	if (setting->how != TNB_SET_NOTHING)
		command_usage(command, "--%s is given twice",
			      tnb_clock_name(clock));
	if (clock == TNB_REALTIME)
		take_realtime(command, value, setting);
	else
		take_delta(command, clock, value, setting);
	return true;
}

bool clocks_given(const struct tnb_clock_settings *settings)
{
	for (int i = 0; i < TNB_CLOCKS; i++)
		if (settings->clock[i].how != TNB_SET_NOTHING)
			return true;
	return false;
}
