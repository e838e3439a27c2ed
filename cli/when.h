/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CLOCKS arguments of the command line: deltas and dates as text.
 *
 *   delta    +3d  -90s  +1h30m  +1.5h  +2w  +1y  -250ms  +90
 *   date     2038-01-19 03:14:00       the caller's time zone (TZ)
 *            2038-01-19T03:14:00.5Z    a zone of its own
 *            @2147483640  @-1.5        seconds since the epoch, UTC
 *
 * Deltas
 *  - The sign is mandatory and holds for all that follows.
 *  - Units: y w d h m s ms us ns, in any order, each at most once. A year is
 *    365 days, a day 24 hours. A number without a unit means seconds and
 *    stands alone.
 *
 * Dates
 *  - YYYY-MM-DD, then nothing (midnight) or ' ' or 'T' and HH:MM, HH:MM:SS or
 *    HH:MM:SS.FRACTION, then a zone: Z, +HH, +HHMM or +HH:MM, perhaps after a
 *    space. A zone needs a time. @EPOCH has none.
 *  - Without a zone the date is local. A local time that the zone's clocks
 *    skip, or show twice, is refused: only a zone can tell what is meant.
 *  - There is neither 24:00 nor a second 60.
 *
 * Fractions are exact: what is finer than a nanosecond is refused. Nothing
 * depends on the locale.
 *
 * Both functions return 0, or leave the output unchanged and return
 *  -EINVAL  not understood, no such date, no such local time;
 *  -ERANGE  more nanoseconds than an int64_t holds.
 */
#ifndef TIMENSBPF_CLI_WHEN_H
#define TIMENSBPF_CLI_WHEN_H

#include <stdbool.h>
#include <stdint.h>

struct when {
	bool is_date;
	int64_t ns; /* date: since the epoch; delta: relative to the host */
};

__attribute__((warn_unused_result)) int when_parse_delta(const char *text,
							 int64_t *ns);

/* A delta if `text` begins with + or -, else a date. */
__attribute__((warn_unused_result)) int when_parse(const char *text,
						   struct when *out);

/*
 * What was wrong with the calling thread's last refused text, and what would
 * be right, in one line; "" if none was refused. Lasts until that thread's
 * next refusal. Never NULL.
 */
const char *when_error(void);

#endif
