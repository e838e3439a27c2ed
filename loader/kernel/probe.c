/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include "base/cleanup.h"
#include "tracefs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <linux/magic.h>
#include <mntent.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The word in brackets: so the kernel marks the choice that is in force. */
static bool bracketed(const char *line, char open, char *word, size_t size)
{
	const char *begin = strchr(line, open);
	size_t length = begin ? strcspn(begin + 1, "])") : 0;

	if (!begin || length >= size)
		return false;
	memcpy(word, begin + 1, length);
	word[length] = '\0';
	return true;
}

static bool read_line(const char *path, char *line, int size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	return file && fgets(line, size, file);
}

static enum tnb_lockdown probe_lockdown(void)
{
	char line[128], word[32];

	if (!read_line("/sys/kernel/security/lockdown", line, sizeof(line)) ||
	    !bracketed(line, '[', word, sizeof(word)))
		return TNB_LOCKDOWN_NONE;
	if (!strcmp(word, "integrity"))
		return TNB_LOCKDOWN_INTEGRITY;
	if (!strcmp(word, "confidentiality"))
		return TNB_LOCKDOWN_CONFIDENTIALITY;
	return TNB_LOCKDOWN_NONE;
}

static void probe_clock_source(char *name, int size)
{
	if (!read_line(
		    "/sys/devices/system/clocksource/clocksource0/current_clocksource",
		    name, size))
		*name = '\0';
	name[strcspn(name, "\n")] = '\0';
}

bool tnb_kernel_has_tsc(void)
{
	char name[32];

	probe_clock_source(name, sizeof(name));
	return tnb_clock_source_is_read(name);
}

/* YAMA_SCOPE_NO_ATTACH (security/yama/yama_lsm.c): not even root may trace, and
 * the setting cannot be changed back. */
static bool probe_no_attach(void)
{
	char line[16];

	return read_line("/proc/sys/kernel/yama/ptrace_scope", line,
			 sizeof(line)) &&
	       line[0] == '3';
}

/* Kernels that lack the setting have no bpf(2) for users. */
static bool probe_users_bpf(void)
{
	char line[16];

	return read_line("/proc/sys/kernel/unprivileged_bpf_disabled", line,
			 sizeof(line)) &&
	       line[0] == '0';
}

static enum tnb_answer probe_lsm_list(void)
{
	char line[256], *rest = line, *name;

	if (!read_line("/sys/kernel/security/lsm", line, sizeof(line)))
		return TNB_UNKNOWN;
	while ((name = strsep(&rest, ",\n")))
		if (!strcmp(name, "bpf"))
			return TNB_YES;
	return TNB_NO;
}

/* PROC_USER_INIT_INO, include/linux/proc_ns.h */
#define INITIAL_USER_NAMESPACE 0xEFFFFFFDu

/* CapEff of /proc/self/status, which counts in the initial user namespace
 * only. */
static bool probe_privileges(void)
{
	struct stat user_namespace;
	_cleanup_fclose_ FILE *status = fopen("/proc/self/status", "re");
	unsigned long long effective = 0;
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			break;
	if (stat("/proc/self/ns/user", &user_namespace) ||
	    user_namespace.st_ino != INITIAL_USER_NAMESPACE)
		return false;
	return effective >> CAP_BPF & effective >> CAP_PERFMON &
	       effective >> CAP_SYS_ADMIN & effective >> CAP_DAC_READ_SEARCH &
	       1;
}

static void probe_cgroup2(char *path, size_t size)
{
	_cleanup_fclose_ FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;

	path[0] = '\0';
	while (mounts && !path[0] && (entry = getmntent(mounts)))
		if (!strcmp(entry->mnt_type, "cgroup2") &&
		    strlen(entry->mnt_dir) < size)
			strcpy(path, entry->mnt_dir);
}

static bool probe_bpffs(void)
{
	struct statfs fs;

	return !statfs("/sys/fs/bpf", &fs) && fs.f_type == BPF_FS_MAGIC;
}

static enum tnb_preemption preemption_from_build(void)
{
	struct utsname name;

	if (uname(&name))
		return TNB_PREEMPT_UNKNOWN;
	/* PREEMPT_DYNAMIC is chosen at boot, so the build does not tell it. */
	if (strstr(name.version, "PREEMPT_DYNAMIC"))
		return TNB_PREEMPT_UNKNOWN;
	if (strstr(name.version, "PREEMPT_LAZY"))
		return TNB_PREEMPT_LAZY;
	if (strstr(name.version, "PREEMPT"))
		return TNB_PREEMPT_FULL;
	return TNB_PREEMPT_VOLUNTARY;
}

static const char *const preemption_names[] = {
	[TNB_PREEMPT_NONE] = "none",
	[TNB_PREEMPT_VOLUNTARY] = "voluntary",
	[TNB_PREEMPT_FULL] = "full",
	[TNB_PREEMPT_LAZY] = "lazy",
	[TNB_PREEMPT_UNKNOWN] = "unknown",
};

static enum tnb_preemption probe_preemption(int debugfs)
{
	char line[128], word[32];

	if (tnb_debugfs_read(debugfs, "sched/preempt", line, sizeof(line)) ||
	    !bracketed(line, '(', word, sizeof(word)))
		return preemption_from_build();
	for (unsigned int i = 0; i < TNB_PREEMPT_UNKNOWN; i++)
		if (!strcmp(word, preemption_names[i]))
			return (enum tnb_preemption)i;
	return TNB_PREEMPT_UNKNOWN;
}

static bool probe_hrtick(int debugfs)
{
	char line[1024], *rest = line, *word;

	if (tnb_debugfs_read(debugfs, "sched/features", line, sizeof(line)))
		return false;
	while ((word = strsep(&rest, " \n")))
		if (!strcmp(word, "HRTICK"))
			return true;
	return false;
}

static bool has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

/* How many arguments a kernel function takes, -1 if there is none. */
static int argument_count(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	const struct btf_type *type;

	if (id <= 0)
		return -1;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (__u32)id)->type);
	return type ? btf_vlen(type) : -1;
}

/* Does the kernel accept a fmod_ret program on `function`? */
static bool can_modify(const struct btf *btf, const char *function)
{
	static const struct bpf_insn call_the_kernel[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	_cleanup_close_
	int fd = -1;
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = BPF_MODIFY_RETURN,
		    .attach_btf_id = id > 0 ? (__u32)id : 0, );

	if (id <= 0)
		return false;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "tnb_probe", "GPL",
			   call_the_kernel, 2, &opts);
	return fd >= 0;
}

static void probe_functions(struct tnb_kernel *kernel, const struct btf *btf)
{
	int arguments = argument_count(btf, "bpf_session_is_return");

#define PROBE_DOOR(name, function, worker, layout) \
	kernel->door[TNB_DOOR_##name] = has_function(btf, #function);
	TNB_READ_DOORS(PROBE_DOOR)
#undef PROBE_DOOR
#define PROBE_COPY(function, holds, arguments) \
	kernel->copy[TNB_COPY_##holds] = has_function(btf, #function);
	TNB_COPIES(PROBE_COPY)
#undef PROBE_COPY
#define PROBE_TIME_DOOR(name, function, worker, layout)                    \
	kernel->time_door[TNB_TIME_##name] = has_function(btf, #function); \
	kernel->time_door_modify[TNB_TIME_##name] = can_modify(btf, #function);
	TNB_TIME_DOORS(PROBE_TIME_DOOR)
#undef PROBE_TIME_DOOR
	kernel->bpf_lsm = has_function(btf, "bpf_lsm_settime");
	kernel->error_injection =
		has_function(btf, "within_error_injection_list");
	kernel->ring_wait_regions = btf__find_by_name_kind(btf,
							   "io_uring_reg_wait",
							   BTF_KIND_STRUCT) > 0;
	kernel->session = arguments >= 0;
	kernel->session_takes_ctx = arguments > 0;
}

void tnb_kernel_probe(struct tnb_kernel *kernel)
{
	_cleanup_close_
	int debugfs = tnb_debugfs_open();
	struct tnb_kernel found = { 0 };
	struct btf *btf = btf__load_vmlinux_btf();
	struct utsname name;

	if (!uname(&name))
		strcpy(found.release, name.release);
	found.privileged = probe_privileges();
	found.lockdown = probe_lockdown();
	found.bpf_in_lsm_list = probe_lsm_list();
	probe_clock_source(found.clock_source, sizeof(found.clock_source));
	found.bpffs = probe_bpffs();
	probe_cgroup2(found.cgroup2, sizeof(found.cgroup2));
	found.preemption = probe_preemption(debugfs);
	found.hrtick = probe_hrtick(debugfs);
	found.checkpoint_restore = tnb_kernel_has_checkpoint_restore();
	found.users_load_bpf = probe_users_bpf();
	found.forbids_tracing = probe_no_attach();
	found.btf = btf != NULL;
	if (btf)
		probe_functions(&found, btf);
	btf__free(btf);
	*kernel = found;
}

bool tnb_kernel_has_checkpoint_restore(void)
{
	pid_t self = getpid();

	return !syscall(SYS_kcmp, self, self, KCMP_VM, 0UL, 0UL);
}

bool tnb_kernel_is_preemptible(const struct tnb_kernel *kernel)
{
	return kernel->preemption != TNB_PREEMPT_NONE &&
	       kernel->preemption != TNB_PREEMPT_VOLUNTARY;
}

const char *tnb_preemption_name(enum tnb_preemption preemption)
{
	return preemption_names[preemption];
}
