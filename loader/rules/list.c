/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All rules: tnb_rules_load(). */
#include "base/array.h"
#include "base/cgroup.h"
#include "base/error.h"
#include "clock_page.h"
#include "host_clock.h"
#include "slots.h"

#include <errno.h>
#include <abi/timekeeper.h>

struct listing {
	struct tnb_rule *rules;
	size_t count, space;
};

static struct timespec date_of(const struct tnb *tnb, int64_t offset)
{
	struct timespec date = { 0 };
	struct tnb_time time;
	int64_t host;

	if (!tnb_host_clock(tnb, TNB_REALTIME, &host)) {
		time = tnb_time_from_ns(host + offset);
		date.tv_sec = time.sec;
		date.tv_nsec = time.nsec;
	}
	return date;
}

static int list_one(struct tnb *tnb, uint64_t cgroup, __u32 slot, void *context)
{
	struct listing *list = context;
	struct tnb_offsets offsets;
	struct tnb_rule *rule;
	void *grown;
	int err;

	if (!tnb_slot_is_own(tnb, slot, cgroup))
		return 0;
	grown = tnb_array_grow(list->rules, list->count, &list->space,
			       sizeof(*rule));
	if (!grown)
		return tnb_fail_memory();
	list->rules = grown;
	rule = &list->rules[list->count];
	memset(rule, 0, sizeof(*rule));
	/* A removed cgroup may still have its entry. */
	err = tnb_cgroup_path(tnb->mount, cgroup, &rule->path);
	if (err)
		return err == -ENOENT ? 0 : err;
	rule->name = tnb_cgroup_below(tnb->mount, rule->path);
	offsets = tnb_clock_page_offsets(tnb, slot);
	rule->cgroup_id = cgroup;
	rule->slot = slot;
	memcpy(rule->offset_ns, offsets.ns, sizeof(rule->offset_ns));
	rule->date = date_of(tnb, offsets.ns[TNB_REALTIME]);
	list->count++;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct tnb_rule *)a)->path,
		      ((const struct tnb_rule *)b)->path);
}

int tnb_rules_load(struct tnb *tnb, struct tnb_rule **rules)
{
	struct listing list = { 0 };
	int err = tnb_slots_for_each(tnb, list_one, &list);

	if (err) {
		tnb_rules_free(&list.rules, list.count);
		return err;
	}
	if (list.count)
		qsort(list.rules, list.count, sizeof(*list.rules), by_path);
	*rules = list.rules;
	return (int)list.count;
}

void tnb_rules_free(struct tnb_rule **rules, size_t count)
{
	for (size_t i = 0; *rules && i < count; i++)
		free((*rules)[i].path);
	free(*rules);
	*rules = NULL;
}
