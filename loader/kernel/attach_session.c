/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach_session.h"

#include "tracefs.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

/*
 * The kernel keeps symbols * CPUs * 2 return instances for one link
 * (fprobe_init_rethook() in kernel/trace/fprobe.c), and a call that finds none
 * is missed. So functions that are never called are added to the link: they
 * make the pool large enough for all tasks that stand preempted in a call.
 */
#define WIDEN 100
#define POINTS_MAX (TNB_POINTS_MAX + WIDEN)
/* No point has this cookie, so the program does nothing. */
#define NO_POINT (~0ULL)

struct points {
	const char *symbol[POINTS_MAX];
	__u64 cookie[POINTS_MAX];
	__u32 count;
	char widen[WIDEN][112];
};

static void add_point(struct points *points, const char *symbol, __u64 cookie)
{
	points->symbol[points->count] = symbol;
	points->cookie[points->count++] = cookie;
}

#define SYMBOL_MAX 96
#define SYMBOLS_MAX 1024

struct symbols {
	char name[SYMBOLS_MAX][SYMBOL_MAX]; /* without the prefix */
	size_t count;
};

static bool has_symbol(const struct symbols *symbols, const char *name)
{
	for (size_t i = 0; i < symbols->count; i++)
		if (!strcmp(symbols->name[i], name))
			return true;
	return false;
}

static void take_symbol(struct symbols *symbols, const char *line,
			const char *prefix)
{
	size_t length = strlen(prefix), name = strcspn(line, " \n") - length;

	if (symbols->count == SYMBOLS_MAX || strncmp(line, prefix, length) ||
	    name >= SYMBOL_MAX)
		return;
	memcpy(symbols->name[symbols->count], line + length, name);
	symbols->name[symbols->count++][name] = '\0';
}

/* The kernel attaches the link to all functions or to none, and only to those
 * that ftrace lists. */
static void read_symbols(struct symbols *native, struct symbols *compat)
{
	_cleanup_close_
	int tracefs = tnb_tracefs_open();
	_cleanup_fclose_ FILE *functions =
		tnb_file_open_at(tracefs, "available_filter_functions");
	char line[512];

	while (functions && fgets(line, sizeof(line), functions)) {
		take_symbol(native, line, "__ia32_sys_");
		take_symbol(compat, line, "__ia32_compat_sys_");
	}
}

/*
 * A system call with a compat variant has a 32-bit entry that no table points
 * to: SYSCALL_DEFINE makes __ia32_sys_X, and the table uses __ia32_compat_sys_X
 * (arch/x86/include/asm/syscall_wrapper.h).
 */
static void add_never_called(struct points *points)
{
	static struct symbols native, compat;
	int widen = 0;

	native.count = compat.count = 0;
	read_symbols(&native, &compat);
	for (size_t i = 0; i < compat.count && widen < WIDEN; i++) {
		if (!has_symbol(&native, compat.name[i]))
			continue;
		snprintf(points->widen[widen], sizeof(points->widen[widen]),
			 "__ia32_sys_%s", compat.name[i]);
		add_point(points, points->widen[widen++], NO_POINT);
	}
}

/* BPF_LINK_CREATE's attr for kprobe_multi, include/uapi/linux/bpf.h. */
struct link_create_kprobe_multi {
	__u32 prog_fd;
	__u32 target_fd;
	__u32 attach_type;
	__u32 flags;
	__u32 multi_flags;
	__u32 count;
	__u64 symbols;
	__u64 addresses;
	__u64 cookies;
};

static int create_link(int prog_fd, const struct points *points)
{
	struct link_create_kprobe_multi attr = {
		.prog_fd = (__u32)prog_fd,
		.attach_type = TNB_BPF_TRACE_KPROBE_SESSION,
		.count = points->count,
		.symbols = (__u64)(uintptr_t)points->symbol,
		.cookies = (__u64)(uintptr_t)points->cookie,
	};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : (int)fd;
}

int tnb_attach_session(int prog_fd, const struct tnb_point *wanted,
		       size_t count)
{
	struct points *points = calloc(1, sizeof(*points));
	int fd;

	if (!points)
		return tnb_fail_memory();
	for (size_t i = 0; i < count && i < TNB_POINTS_MAX; i++)
		add_point(points, wanted[i].function, wanted[i].cookie);
	add_never_called(points);
	fd = create_link(prog_fd, points);
	free(points);
	if (fd < 0)
		return tnb_fail(fd, "cannot attach the kprobe session: %s",
				strerror(-fd));
	return fd;
}
