/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tnb_rule_set() and tnb_rule_unset(): the daemon makes the change, or the
 * caller does under the lock; then the processes are counted. */
#include "base/cgroup.h"
#include "base/cleanup.h"
#include "client.h"
#include "report/processes.h"
#include "rules/settings.h"
#include "rules/slots.h"
#include "rules/transaction.h"
#include "set.h"

/* A change that is asked for. */
struct request {
	bool ends;				   /* the rule */
	const struct tnb_clock_settings *settings; /* else */
	unsigned int flags;
};

/* ---- By the caller ------------------------------------------------------- */

static int change_locked(struct tnb *tnb, const struct tnb_cgroup *cgroup,
			 const struct request *request, uint32_t *changed)
{
	_cleanup_close_
	int lock = tnb_transaction_lock(tnb);

	if (lock < 0)
		return lock;
	return request->ends
		       ? tnb_unset_locked(tnb, cgroup, request->flags, changed)
		       : tnb_set_locked(tnb, cgroup, request->settings,
					request->flags, changed);
}

/* In the handle's mount: in another one the parent may be out of reach. */
static int change_here(struct tnb *tnb, int given, const char *name,
		       const struct request *request,
		       struct tnb_change_result *result)
{
	struct tnb_change_result sum = { 0 };
	struct tnb_cgroup cgroup = { .name = name };
	_cleanup_close_
	int fd = tnb_cgroup_reopen(tnb->mount, given);
	int err;

	cgroup.fd = fd;
	err = fd < 0 ? fd : tnb_cgroup_check(fd, name, &cgroup.id);
	if (!err)
		err = change_locked(tnb, &cgroup, request, &sum.changed);
	if (err || !result)
		return err;
	tnb_processes_sum(tnb, fd, tnb_slot_of(tnb, cgroup.id), &sum);
	*result = sum;
	return 0;
}

/* ---- By the daemon or the caller ----------------------------------------- */

static int apply_at(struct tnb *tnb, int cgroup, const char *name,
		    const struct request *request,
		    struct tnb_change_result *result)
{
	_cleanup_free_
	char *found = NULL;
	uint64_t id;
	int err = name ? 0 : tnb_cgroup_name(cgroup, &found);

	if (!name)
		name = found;
	if (!err)
		err = tnb_cgroup_check(cgroup, name, &id);
	if (!err && !request->ends)
		err = tnb_settings_check(request->settings);
	if (err)
		return err;
	err = request->flags & TNB_HERE
		      ? TNB_CLIENT_NO_DAEMON
		      : tnb_client_change(cgroup, request->settings,
					  request->flags, result);
	return err == TNB_CLIENT_NO_DAEMON
		       ? change_here(tnb, cgroup, name, request, result)
		       : err;
}

static int apply_path(struct tnb *tnb, const char *path,
		      const struct request *request,
		      struct tnb_change_result *result)
{
	_cleanup_close_
	int fd = -1;
	_cleanup_free_
	char *name = NULL;
	uint64_t id;

	fd = tnb_cgroup_open(path, &id);
	if (fd < 0)
		return fd;
	return apply_at(tnb, fd, tnb_cgroup_name(fd, &name) ? path : name,
			request, result);
}

/* ---- What timensbpf.h declares ----------------------------------------- */

int tnb_rule_set(struct tnb *tnb, const char *path,
		 const struct tnb_clock_settings *settings, unsigned int flags,
		 struct tnb_change_result *result)
{
	const struct request request = { .settings = settings, .flags = flags };

	return apply_path(tnb, path, &request, result);
}

int tnb_rule_set_at(struct tnb *tnb, int cgroup, const char *name,
		    const struct tnb_clock_settings *settings,
		    unsigned int flags, struct tnb_change_result *result)
{
	const struct request request = { .settings = settings, .flags = flags };

	return apply_at(tnb, cgroup, name, &request, result);
}

int tnb_rule_unset(struct tnb *tnb, const char *path, unsigned int flags,
		   struct tnb_change_result *result)
{
	const struct request request = { .ends = true, .flags = flags };

	return apply_path(tnb, path, &request, result);
}

int tnb_rule_unset_at(struct tnb *tnb, int cgroup, const char *name,
		      unsigned int flags, struct tnb_change_result *result)
{
	const struct request request = { .ends = true, .flags = flags };

	return apply_at(tnb, cgroup, name, &request, result);
}
