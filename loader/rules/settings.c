/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include "base/error.h"
#include "host_clock.h"

#include <errno.h>
#include <stdio.h>
#include <abi/timekeeper.h>

#define NSEC_PER_SEC 1000000000LL
#define NSEC_PER_USEC 1000LL
/* time(2) is answered by fmod_ret, which cannot return 0
 * (bpf/read/clock_time.bpf.c). */
#define REALTIME_MIN_NS (1 * NSEC_PER_SEC)
#define CLOCK_MAX_NS (TNB_SEC_MAX * NSEC_PER_SEC)

const char *tnb_clock_name(enum tnb_clock_id clock)
{
	static const char *const names[TNB_CLOCKS] = {
		[TNB_REALTIME] = "realtime",
		[TNB_MONOTONIC] = "monotonic",
		[TNB_BOOTTIME] = "boottime",
	};

	return names[clock];
}

/* ---- What has a meaning -------------------------------------------------- */

static bool is_known(enum tnb_clock_id clock,
		     const struct tnb_clock_setting *setting)
{
	if (setting->mode || setting->rate || setting->source ||
	    setting->reserved)
		return false;
	switch (setting->how) {
	case TNB_SET_NOTHING:
		return !setting->ns;
	case TNB_SET_OFFSET:
		return true;
	case TNB_SET_DATE:
		return clock == TNB_REALTIME;
	default:
		return false;
	}
}

int tnb_settings_check(const struct tnb_clock_settings *settings)
{
	if (!settings)
		return tnb_fail(-EINVAL, "no clock settings are given");
	if (settings->size != sizeof(*settings) || settings->reserved)
		return tnb_fail(
			-EINVAL,
			"the clock settings are of another version of the library");
	for (int i = 0; i < TNB_CLOCKS; i++)
		if (!is_known((enum tnb_clock_id)i, &settings->clock[i]))
			return tnb_fail(
				-EINVAL,
				"the setting of %s is not known to this version",
				tnb_clock_name((enum tnb_clock_id)i));
	return 0;
}

/* ---- Ranges -------------------------------------------------------------- */

/* As the command line takes it, in whole seconds towards 0: "-2d3h35s". */
static void format_offset(int64_t ns, char *text, size_t size)
{
	static const struct {
		uint64_t seconds;
		char name;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	uint64_t left =
		(ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns) / NSEC_PER_SEC;
	int at = snprintf(text, size, "%c", ns < 0 ? '-' : '+');

	if (!left)
		snprintf(text + at, size - (size_t)at, "0s");
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		uint64_t count = left / units[i].seconds;

		left %= units[i].seconds;
		if (count)
			at += snprintf(text + at, size - (size_t)at, "%llu%c",
				       (unsigned long long)count,
				       units[i].name);
	}
}

static int out_of_range(enum tnb_clock_id clock, bool is_date, bool is_low,
			int64_t limit)
{
	char offset[64];

	format_offset(limit, offset, sizeof(offset));
	if (clock != TNB_REALTIME)
		return tnb_fail(
			-ERANGE,
			"%s would leave its range, 0 to 292 years: at most %s now",
			tnb_clock_name(clock), offset);
	if (is_date)
		return tnb_fail(
			-ERANGE,
			"realtime would leave its range, 1970-01-01 00:00:01 to 2262-04-11 UTC: %s",
			is_low ? "the earliest date is @1"
			       : "the latest date is @9223372036");
	return tnb_fail(
		-ERANGE,
		"realtime would leave its range, 1970-01-01 00:00:01 to 2262-04-11 UTC: at most %s now",
		offset);
}

static int check_range(enum tnb_clock_id clock, bool is_date, int64_t host,
		       int64_t offset)
{
	int64_t least = clock == TNB_REALTIME ? REALTIME_MIN_NS : 0;
	int64_t now;

	/* The host's clock is in the range: only a great offset overflows. */
	if (__builtin_add_overflow(host, offset, &now))
		now = offset < 0 ? INT64_MIN : INT64_MAX;
	if (now < least)
		return out_of_range(clock, is_date, true, least - host);
	if (now > CLOCK_MAX_NS)
		return out_of_range(clock, is_date, false, CLOCK_MAX_NS - host);
	return 0;
}

/* ---- One clock ----------------------------------------------------------- */

/* Upwards, so that the earliest date stays in its range. */
static int64_t whole_microseconds(int64_t ns)
{
	int64_t rest = ns % NSEC_PER_USEC;

	return rest > 0 ? ns + NSEC_PER_USEC - rest : ns - rest;
}

static int resolve(const struct tnb *tnb, enum tnb_clock_id clock,
		   const struct tnb_clock_setting *setting, int64_t *ns)
{
	bool is_date = setting->how == TNB_SET_DATE;
	int64_t host, offset = setting->ns;
	int err = tnb_host_clock(tnb, clock, &host);

	if (err)
		return err;
	if (is_date && __builtin_sub_overflow(setting->ns, host, &offset))
		offset = INT64_MIN;
	err = check_range(clock, is_date, host, offset);
	if (!err)
		*ns = clock == TNB_REALTIME ? whole_microseconds(offset)
					    : offset;
	return err;
}

int tnb_settings_apply(const struct tnb *tnb,
		       const struct tnb_clock_settings *settings,
		       struct tnb_offsets *offsets)
{
	struct tnb_offsets changed = *offsets;
	int err = tnb_settings_check(settings);

	for (int i = 0; !err && i < TNB_CLOCKS; i++)
		if (settings->clock[i].how != TNB_SET_NOTHING)
			err = resolve(tnb, (enum tnb_clock_id)i,
				      &settings->clock[i], &changed.ns[i]);
	if (!err)
		*offsets = changed;
	return err;
}
