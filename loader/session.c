/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session.h"

#include "cleanup.h"
#include "error.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

/*
 * The kernel keeps symbols * CPUs * 2 return instances for one link, and a call
 * that finds none is missed: functions that are never called make the pool
 * wide enough for the tasks that stand preempted in a call.
 */
#define WIDEN 100
#define TARGETS_MAX (TNB_DOOR_MAX + WIDEN)
/* A cookie that no door has: the worker does nothing. */
#define NO_DOOR (~0ULL)

struct targets {
	const char *symbol[TARGETS_MAX];
	__u64 cookie[TARGETS_MAX];
	__u32 count;
	char widen[WIDEN][112];
};

static void add_target(struct targets *targets, const char *symbol,
		       __u64 cookie)
{
	targets->symbol[targets->count] = symbol;
	targets->cookie[targets->count++] = cookie;
}

static void add_doors(struct targets *targets, const struct tnb_kernel *kernel)
{
#define ADD_DOOR(name, function, worker, layout)                               \
	if (kernel->door[TNB_DOOR_##name])                                     \
		add_target(targets, #function, TNB_DOOR_##name);
	TNB_READ_DOORS(ADD_DOOR)
#undef ADD_DOOR
}

#define SYMBOL_MAX 96

static bool has_symbol(char (*symbols)[SYMBOL_MAX], size_t count,
		       const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(symbols[i], name))
			return true;
	return false;
}

/* All kernel functions whose names begin with `prefix`, without it. */
static size_t read_symbols(const char *prefix, char (*names)[SYMBOL_MAX],
			   size_t max)
{
	_cleanup_fclose_ FILE *symbols = fopen("/proc/kallsyms", "re");
	size_t length = strlen(prefix), count = 0;
	char line[256], name[SYMBOL_MAX];

	while (symbols && count < max && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%*x %*c %95s", name) == 1 &&
		    !strncmp(name, prefix, length))
			strcpy(names[count++], name + length);
	}
	return count;
}

/*
 * A system call with a compat variant has a 32-bit entry that no table points
 * to: SYSCALL_DEFINE makes __ia32_sys_X, the table uses __ia32_compat_sys_X.
 */
static void add_never_called(struct targets *targets)
{
	static char native[1024][SYMBOL_MAX], compat[256][SYMBOL_MAX];
	size_t natives = read_symbols("__ia32_sys_", native, 1024);
	size_t compats = read_symbols("__ia32_compat_sys_", compat, 256);
	int widen = 0;

	for (size_t i = 0; i < compats && widen < WIDEN; i++) {
		if (!has_symbol(native, natives, compat[i]))
			continue;
		snprintf(targets->widen[widen], sizeof(targets->widen[widen]),
			 "__ia32_sys_%.*s", SYMBOL_MAX, compat[i]);
		add_target(targets, targets->widen[widen++], NO_DOOR);
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

static int create_link(int prog_fd, const struct targets *targets)
{
	struct link_create_kprobe_multi attr = {
		.prog_fd = (__u32)prog_fd,
		.attach_type = TNB_BPF_TRACE_KPROBE_SESSION,
		.count = targets->count,
		.symbols = (__u64)(uintptr_t)targets->symbol,
		.cookies = (__u64)(uintptr_t)targets->cookie,
	};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : (int)fd;
}

int tnb_session_attach(int prog_fd, const struct tnb_kernel *kernel)
{
	struct targets *targets = calloc(1, sizeof(*targets));
	int fd;

	if (!targets)
		return tnb_fail_memory();
	add_doors(targets, kernel);
	add_never_called(targets);
	fd = create_link(prog_fd, targets);
	free(targets);
	if (fd < 0)
		return tnb_fail(fd, "cannot attach the kprobe session: %s",
				strerror(-fd));
	return fd;
}
