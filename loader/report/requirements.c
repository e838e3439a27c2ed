/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "requirements.h"

#include "base/error.h"
#include "finding.h"
#include "lockdown.h"
#include "vdso/image_pick.h"

#include <errno.h>
#include <stdlib.h>

static bool is_privileged(const struct tnb_kernel *kernel)
{
	return kernel->privileged;
}

static bool has_btf(const struct tnb_kernel *kernel)
{
	return kernel->btf;
}

static bool has_bpffs(const struct tnb_kernel *kernel)
{
	return kernel->bpffs;
}

/* NULL if the replacement vDSO reads the clock without system calls here. */
static const char *image_lacks(const struct tnb_kernel *kernel,
			       struct tnb_vdsos *vdsos)
{
	if (kernel->lockdown == TNB_LOCKDOWN_NONE)
		return NULL;
	if (tnb_vdso_probe(vdsos))
		return tnb_error_message();
	if (*vdsos->wide.why_raw)
		return vdsos->wide.why_raw;
	return tnb_clock_source_is_read(kernel->clock_source)
		       ? NULL
		       : "the kernel's clock source is not tsc";
}

static void examine_lockdown(const struct tnb_kernel *kernel,
			     struct tnb_finding *finding)
{
	struct tnb_vdsos vdsos;

	tnb_lockdown_finding(kernel, image_lacks(kernel, &vdsos), finding);
}

static void examine_cgroup2(const struct tnb_kernel *kernel,
			    struct tnb_finding *finding)
{
	if (kernel->cgroup2[0]) {
		tnb_finding_set(finding, TNB_OK, "cgroup v2: mounted on %s",
				kernel->cgroup2);
		return;
	}
	tnb_finding_set(finding, TNB_FAIL, "cgroup v2: not mounted");
	tnb_finding_advise(finding, "mount -t cgroup2 none /sys/fs/cgroup");
}

/*
 * LSM programs are never skipped. fmod_ret on the functions behind the hooks
 * is as good where the kernel is not preemptible, and not good enough to guard
 * the host's clock where it is.
 */
static void examine_lsm(const struct tnb_kernel *kernel,
			struct tnb_finding *finding)
{
	bool there = kernel->bpf_lsm && kernel->bpf_in_lsm_list != TNB_NO;

	if (there) {
		tnb_finding_set(
			finding, TNB_OK,
			"BPF LSM: %s; the host's clock is guarded by it",
			kernel->bpf_in_lsm_list == TNB_YES
				? "bpf is in the LSM list"
				: "compiled in (/sys/kernel/security/lsm cannot be read)");
		return;
	}
	if (tnb_kernel_is_preemptible(kernel))
		tnb_finding_set(
			finding, TNB_FAIL,
			"BPF LSM: bpf is not in the LSM list, and on a preemptible kernel nothing else guards the host's clock without a gap");
	else
		tnb_finding_set(
			finding, TNB_WARN,
			"BPF LSM: bpf is not in the LSM list; fmod_ret programs guard the host's clock instead");
	tnb_finding_advise(
		finding,
		"add bpf to lsm= on the kernel command line, as in /sys/kernel/security/lsm plus ',bpf'");
}

const struct tnb_check tnb_requirements[] = {
	{ .key = "privileges",
	  .err = -EPERM,
	  .holds = is_privileged,
	  .good = "privileges: CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH are there",
	  .otherwise = TNB_FAIL,
	  .bad = "privileges: CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN or CAP_DAC_READ_SEARCH is missing",
	  .advice = "run as root, outside user namespaces" },
	{ .key = "lockdown", .err = -EPERM, .examine = examine_lockdown },
	{ .key = "btf",
	  .err = -EOPNOTSUPP,
	  .holds = has_btf,
	  .good = "BTF: the kernel describes its types",
	  .otherwise = TNB_FAIL,
	  .bad = "BTF: /sys/kernel/btf/vmlinux cannot be read",
	  .advice =
		  "boot a kernel with CONFIG_DEBUG_INFO_BTF=y, as Debian's are" },
	{ .key = "bpffs",
	  .err = -ENODEV,
	  .holds = has_bpffs,
	  .good = "bpffs: mounted on /sys/fs/bpf",
	  .otherwise = TNB_FAIL,
	  .bad = "bpffs: no BPF file system on /sys/fs/bpf",
	  .advice = "mount -t bpf bpf /sys/fs/bpf" },
	{ .key = "cgroup2", .err = -ENODEV, .examine = examine_cgroup2 },
	{ .key = "lsm", .err = -EOPNOTSUPP, .examine = examine_lsm },
};
const unsigned int tnb_requirement_count =
	sizeof(tnb_requirements) / sizeof(*tnb_requirements);

int tnb_requirements_check(const struct tnb_kernel *kernel)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < tnb_requirement_count; i++) {
		struct tnb_finding finding = { 0 };

		tnb_check_run(&tnb_requirements[i], kernel, &finding);
		if (finding.health == TNB_FAIL)
			err = tnb_fail(tnb_requirements[i].err, "%s: %s",
				       finding.text, finding.advice);
		free(finding.text);
		free(finding.advice);
	}
	return err;
}
