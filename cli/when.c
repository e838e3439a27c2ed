/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "when.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000LL
#define SEC_PER_DAY 86400LL
#define NSEC_PER_DAY (SEC_PER_DAY * NSEC_PER_SEC)

/*
 * 10^18 fits into 64 bits, and a fraction of more than 16 digits is no whole
 * number of nanoseconds in any unit: the year, which has most, is 2^16 * 5^12 *
 * 3^3 * 73 of them.
 */
#define FRACTION_DIGITS 18

#define DATE_LIKE \
	"a date reads like 2038-01-19 03:14:00, 2038-01-19T03:14:00+02:00 or @2147483640, a delta begins with + or -"
#define DELTA_LIKE "a delta reads like +3d, -90s or +1h30m"

/* Wide enough for the sum of one overlong number in each unit. */
__extension__ typedef __int128 wide;

struct reader {
	const char *text; /* all of it */
	const char *at;	  /* what is still to be read */
	const char *like; /* what would be right */
};

struct number {
	uint64_t whole; /* UINT64_MAX: that much or more */
	uint64_t fraction;
	uint64_t scale; /* of the fraction, a power of 10 */
};

struct unit {
	const char *name;
	int64_t ns;
};

static const struct unit units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", NSEC_PER_SEC },
	{ "m", 60 * NSEC_PER_SEC },
	{ "h", 3600 * NSEC_PER_SEC },
	{ "d", NSEC_PER_DAY },
	{ "w", 7 * NSEC_PER_DAY },
	{ "y", 365 * NSEC_PER_DAY },
};

#define UNITS (sizeof(units) / sizeof(units[0]))

struct field {
	const char *name;
	size_t digits;
	int min;
	int max;
};

static const struct field year_field = { "year", 4, 1, 9999 };
static const struct field month_field = { "month", 2, 1, 12 };
static const struct field day_field = { "day", 2, 1, 31 };
static const struct field hour_field = { "hour", 2, 0, 23 };
static const struct field minute_field = { "minute", 2, 0, 59 };
static const struct field second_field = { "second", 2, 0, 59 };
static const struct field zone_hour_field = { "zone hour", 2, 0, 23 };
static const struct field zone_minute_field = { "zone minute", 2, 0, 59 };

struct date {
	int year;
	int month;
	int day;
	int hour;
	int minute;
	int second;
	int nsec;
	bool has_zone;
	int zone; /* seconds east of UTC */
};

static _Thread_local char message[512];

const char *when_error(void)
{
	return message;
}

__attribute__((format(printf, 2, 3))) static int refuse(int err,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return err;
}

static int refuse_rest(const struct reader *in)
{
	if (!*in->at)
		return refuse(-EINVAL, "'%.64s' ends too early: %s", in->text,
			      in->like);
	if (in->at == in->text)
		return refuse(-EINVAL, "'%.64s' is not understood: %s",
			      in->text, in->like);
	return refuse(-EINVAL, "'%.64s' in '%.64s' is not understood: %s",
		      in->at, in->text, in->like);
}

static int refuse_fine(const struct reader *in)
{
	return refuse(
		-EINVAL,
		"'%.64s' is finer than a nanosecond: leave out the last digits of the fraction",
		in->text);
}

static int fit_delta(const struct reader *in, wide total, int64_t *ns)
{
	if (total < INT64_MIN || total > INT64_MAX)
		return refuse(
			-ERANGE,
			"'%.64s' is out of range: a delta is at most 292 years of 365 days",
			in->text);
	*ns = (int64_t)total;
	return 0;
}

static int fit_date(const struct reader *in, wide total, int64_t *ns)
{
	if (total < INT64_MIN || total > INT64_MAX)
		return refuse(
			-ERANGE,
			"'%.64s' is out of range: dates lie between 1970-01-01 and 2262-04-11",
			in->text);
	*ns = (int64_t)total;
	return 0;
}

static bool skip(struct reader *in, char wanted)
{
	if (*in->at != wanted)
		return false;
	in->at++;
	return true;
}

static size_t count_digits(const char *at)
{
	return strspn(at, "0123456789");
}

static int read_fraction(struct reader *in, struct number *number)
{
	size_t length = count_digits(in->at), used = length;

	if (!length)
		return refuse_rest(in);
	while (used && in->at[used - 1] == '0')
		used--;
	if (used > FRACTION_DIGITS)
		return refuse_fine(in);
	for (size_t i = 0; i < used; i++) {
		number->fraction =
			number->fraction * 10 + (uint64_t)(in->at[i] - '0');
		number->scale *= 10;
	}
	in->at += length;
	return 0;
}

static int read_number(struct reader *in, struct number *number)
{
	size_t length = count_digits(in->at);
	uint64_t whole = 0;

	if (!length)
		return refuse_rest(in);
	for (size_t i = 0; i < length; i++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, in->at[i] - '0', &whole)) {
			whole = UINT64_MAX;
			break;
		}
	in->at += length;
	*number = (struct number){ .whole = whole, .scale = 1 };
	return skip(in, '.') ? read_fraction(in, number) : 0;
}

static int number_to_ns(const struct reader *in, const struct number *number,
			int64_t unit, wide *ns)
{
	wide part = (wide)number->fraction * unit;

	if (part % number->scale)
		return refuse_fine(in);
	*ns = (wide)number->whole * unit + part / number->scale;
	return 0;
}

/* ---- Deltas -------------------------------------------------------------- */

static const struct unit *find_unit(const char *name, size_t length)
{
	for (size_t i = 0; i < UNITS; i++)
		if (strlen(units[i].name) == length &&
		    !strncmp(units[i].name, name, length))
			return &units[i];
	return NULL;
}

/* A bit of `seen` for each unit that was given before. */
static int read_unit(struct reader *in, unsigned int *seen, int64_t *ns)
{
	size_t length = strcspn(in->at, "+-.0123456789");
	const struct unit *unit = find_unit(in->at, length);

	if (!length)
		return refuse(-EINVAL, "a number in '%.64s' lacks its unit: %s",
			      in->text, in->like);
	if (!unit)
		return refuse(
			-EINVAL,
			"'%.*s' in '%.64s' is no unit: use y (365 days), w, d, h, m, s, ms, us or ns",
			(int)(length < 64 ? length : 64), in->at, in->text);
	if (*seen & 1u << (unit - units))
		return refuse(
			-EINVAL,
			"unit '%s' is given twice in '%.64s': add them up",
			unit->name, in->text);
	*seen |= 1u << (unit - units);
	*ns = unit->ns;
	in->at += length;
	return 0;
}

static int read_delta_part(struct reader *in, unsigned int *seen, wide *total)
{
	struct number number = { .scale = 1 };
	int64_t unit = NSEC_PER_SEC;
	wide ns = 0;
	int r = read_number(in, &number);

	if (r)
		return r;
	if (*in->at || *seen) {
		r = read_unit(in, seen, &unit);
		if (r)
			return r;
	}
	r = number_to_ns(in, &number, unit, &ns);
	if (r)
		return r;
	*total += ns;
	return 0;
}

int when_parse_delta(const char *text, int64_t *ns)
{
	struct reader in = { text, text, DELTA_LIKE };
	bool negative = *text == '-';
	unsigned int seen = 0;
	wide total = 0;
	int r;

	if (!negative && *text != '+')
		return refuse(-EINVAL, "'%.64s' lacks a sign: %s", text,
			      in.like);
	in.at++;
	do {
		r = read_delta_part(&in, &seen, &total);
		if (r)
			return r;
	} while (*in.at);
	return fit_delta(&in, negative ? -total : total, ns);
}

/* ---- Dates --------------------------------------------------------------- */

static int read_field(struct reader *in, const struct field *field, int *value)
{
	int sum = 0;

	if (count_digits(in->at) < field->digits)
		return refuse_rest(in);
	for (size_t i = 0; i < field->digits; i++)
		sum = sum * 10 + (in->at[i] - '0');
	if (sum < field->min || sum > field->max)
		return refuse(
			-EINVAL,
			"%s %.*s in '%.64s' does not exist: it goes from %0*d to %d",
			field->name, (int)field->digits, in->at, in->text,
			(int)field->digits, field->min, field->max);
	in->at += field->digits;
	*value = sum;
	return 0;
}

static int read_next_field(struct reader *in, char separator,
			   const struct field *field, int *value)
{
	return skip(in, separator) ? read_field(in, field, value)
				   : refuse_rest(in);
}

static bool is_leap_year(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap_year(year));
}

static int read_day(struct reader *in, struct date *date)
{
	int days, r = read_field(in, &year_field, &date->year);

	if (!r)
		r = read_next_field(in, '-', &month_field, &date->month);
	if (!r)
		r = read_next_field(in, '-', &day_field, &date->day);
	if (r)
		return r;
	days = month_days(date->year, date->month);
	if (date->day > days)
		return refuse(
			-EINVAL,
			"day %d in '%.64s' does not exist: month %04d-%02d has %d days",
			date->day, in->text, date->year, date->month, days);
	return 0;
}

static int read_nsec(struct reader *in, int *nsec)
{
	struct number number = { .scale = 1 };
	wide ns = 0;
	int r = read_fraction(in, &number);

	if (!r)
		r = number_to_ns(in, &number, NSEC_PER_SEC, &ns);
	if (r)
		return r;
	*nsec = (int)ns;
	return 0;
}

static int read_time_of_day(struct reader *in, struct date *date)
{
	int r = read_field(in, &hour_field, &date->hour);

	if (!r)
		r = read_next_field(in, ':', &minute_field, &date->minute);
	if (!r && skip(in, ':')) {
		r = read_field(in, &second_field, &date->second);
		if (!r && skip(in, '.'))
			r = read_nsec(in, &date->nsec);
	}
	return r;
}

static int read_zone(struct reader *in, struct date *date)
{
	bool west = *in->at == '-';
	int hour, minute = 0, r;

	date->has_zone = true;
	if (skip(in, 'Z'))
		return 0;
	if (!west && *in->at != '+')
		return refuse_rest(in);
	in->at++;
	r = read_field(in, &zone_hour_field, &hour);
	if (!r && (skip(in, ':') || *in->at))
		r = read_field(in, &zone_minute_field, &minute);
	if (r)
		return r;
	date->zone = (west ? -1 : 1) * (hour * 3600 + minute * 60);
	return 0;
}

static int read_date(struct reader *in, struct date *date)
{
	int r = read_day(in, date);

	if (!r && (skip(in, 'T') || skip(in, ' '))) {
		r = read_time_of_day(in, date);
		if (!r && (skip(in, ' ') || *in->at))
			r = read_zone(in, date);
	}
	return r || !*in->at ? r : refuse_rest(in);
}

/* Days from 1970-01-01; years begin in March, so that leap days come last. */
static int64_t day_number(const struct date *date)
{
	int64_t year = date->year - (date->month <= 2);
	int64_t month = (date->month + 9) % 12;

	return 365 * year + year / 4 - year / 100 + year / 400 +
	       (153 * month + 2) / 5 + date->day - 719469;
}

/* Seconds since the epoch if the date were UTC. */
static int64_t wall_seconds(const struct date *date)
{
	return day_number(date) * SEC_PER_DAY + date->hour * 3600LL +
	       date->minute * 60LL + date->second;
}

/* Seconds east of UTC in the local zone. */
static int64_t local_zone(int64_t utc)
{
	time_t seconds = utc;
	struct tm tm = { 0 };

	localtime_r(&seconds, &tm);
	return tm.tm_gmtoff;
}

/*
 * Not mktime(): what it makes of a time that is skipped or shown twice depends
 * on its earlier calls. Zones change their offset less often than every second
 * day, so that the offsets a day earlier and later are all that can hold.
 */
static int local_to_utc(const struct reader *in, int64_t wall, int64_t *utc)
{
	int64_t early, late;
	bool is_early, is_late;

	tzset();
	early = wall - local_zone(wall - SEC_PER_DAY);
	late = wall - local_zone(wall + SEC_PER_DAY);
	is_early = early + local_zone(early) == wall;
	is_late = late + local_zone(late) == wall;
	if (!is_early && !is_late)
		return refuse(
			-EINVAL,
			"'%.64s' is skipped by the clocks of the local time zone: add a zone, as in +02:00, or choose another time",
			in->text);
	if (is_early && is_late && early != late)
		return refuse(
			-EINVAL,
			"'%.64s' comes twice in the local time zone: add a zone, as in +02:00",
			in->text);
	*utc = is_early ? early : late;
	return 0;
}

static int parse_calendar(struct reader *in, int64_t *ns)
{
	struct date date = { 0 };
	int64_t utc;
	int r = read_date(in, &date);

	if (r)
		return r;
	utc = wall_seconds(&date) - date.zone;
	if (!date.has_zone)
		r = local_to_utc(in, utc, &utc);
	return r ? r : fit_date(in, (wide)utc * NSEC_PER_SEC + date.nsec, ns);
}

static int parse_epoch(struct reader *in, int64_t *ns)
{
	bool negative = skip(in, '-');
	struct number number = { .scale = 1 };
	wide total = 0;
	int r = read_number(in, &number);

	if (!r && *in->at)
		r = refuse_rest(in);
	if (!r)
		r = number_to_ns(in, &number, NSEC_PER_SEC, &total);
	return r ? r : fit_date(in, negative ? -total : total, ns);
}

static int parse_date(const char *text, int64_t *ns)
{
	struct reader in = { text, text, DATE_LIKE };

	return skip(&in, '@') ? parse_epoch(&in, ns) : parse_calendar(&in, ns);
}

int when_parse(const char *text, struct when *out)
{
	bool is_date = *text != '+' && *text != '-';
	int64_t ns;
	int r = is_date ? parse_date(text, &ns) : when_parse_delta(text, &ns);

	if (r)
		return r;
	*out = (struct when){ .is_date = is_date, .ns = ns };
	return 0;
}
