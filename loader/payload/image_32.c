/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The replacement vDSO of 32-bit programs. It differs from image.c in what its
 * functions take and return, and in having no fast path of its own, which the
 * page would have no room for. Seconds in 32 bits are cut off, as the kernel's
 * own are (kernel's lib/vdso/gettimeofday.c).
 */
#include "image.h"

#include <abi/tables/layouts.h>

struct timespec_32 {
	__s32 sec, nsec;
};

struct timeval_32 {
	__s32 sec, usec;
};

EXPORTED(clock_gettime)
int __vdso_clock_gettime(__u32 id, struct timespec_32 *time);
EXPORTED(clock_gettime64)
int __vdso_clock_gettime64(__u32 id, struct __kernel_timespec *time);
EXPORTED(gettimeofday)
int __vdso_gettimeofday(struct timeval_32 *time, struct timezone *zone);
EXPORTED(time)
__s32 __vdso_time(__s32 *time);

static int raw_gettime(__u32 id, struct timespec_32 *time)
{
	return (int)raw_call(SYS_clock_gettime, (void *)id, time, NULL);
}

static int raw_gettime64(__u32 id, struct __kernel_timespec *time)
{
	return (int)raw_call(SYS_clock_gettime64, (void *)id, time, NULL);
}

static int raw_gettimeofday(struct timeval_32 *time, struct timezone *zone)
{
	return (int)raw_call(SYS_gettimeofday, time, zone, NULL);
}

/* As raw_time() of image.c. */
static __s32 raw_time(__s32 *time)
{
	struct timespec_32 now;
	int err = raw_gettime(CLOCK_REALTIME_COARSE, &now);

	if (tnb_unlikely(err))
		return err;
	if (time)
		*time = now.sec;
	return now.sec;
}

#ifdef TNB_IMAGE_LAYOUT

#include "virtual_time.h"

/* False: a system call has to tell. */
static bool tells(__u32 id, struct tnb_time *time)
{
	return id < TNB_VVAR_CLOCKS && source_of(kind_of(id)) != SYSTEM_CALL &&
	       virtual_time(id, time);
}

static void read_zone(struct timezone *zone)
{
	tnb_address data = data_of(CLOCK_REALTIME);

	if (is_time_namespace(data))
		data = data_behind(data);
	zone->tz_minuteswest = FIELD(__s32, data, layout.zone);
	zone->tz_dsttime = FIELD(__s32, data, layout.zone + 4);
}

#else

static bool tells(__u32 id, struct tnb_time *time)
{
	(void)id;
	(void)time;
	return false;
}

static void read_zone(struct timezone *zone)
{
	(void)zone;
}

#endif

int __vdso_clock_gettime(__u32 id, struct timespec_32 *time)
{
	struct tnb_time now;

	if (!tells(id, &now))
		return raw_gettime(id, time);
	time->sec = (__s32)now.sec;
	time->nsec = (__s32)now.nsec;
	return 0;
}

int __vdso_clock_gettime64(__u32 id, struct __kernel_timespec *time)
{
	struct tnb_time now;

	if (!tells(id, &now))
		return raw_gettime64(id, time);
	time->tv_sec = now.sec;
	time->tv_nsec = now.nsec;
	return 0;
}

int __vdso_gettimeofday(struct timeval_32 *time, struct timezone *zone)
{
	struct tnb_time now;

	/* The zone alone is no clock's. */
	if (!tells(CLOCK_REALTIME, &now))
		return raw_gettimeofday(time, zone);
	if (time) {
		time->sec = (__s32)now.sec;
		time->usec = (__s32)(now.nsec / TNB_NSEC_PER_USEC);
	}
	if (zone)
		read_zone(zone);
	return 0;
}

__s32 __vdso_time(__s32 *time)
{
	struct tnb_time now;

	if (!tells(CLOCK_REALTIME_COARSE, &now))
		return raw_time(time);
	if (time)
		*time = (__s32)now.sec;
	return (__s32)now.sec;
}
