/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unlike those of door A these programs stand twice during an upgrade
 * (bpf/wait/deadline_fentry.bpf.c). The way out is attached before the way in,
 * so that nothing goes in that does not come out.
 */
#include "deadline_programs.h"

#include "links.h"

#include <stdio.h>
#include <string.h>

struct copy_program {
	const char *function;
	const char *in, *out; /* fentry, fexit */
};

#define COPY_ROW(function, holds, arguments) \
	{ #function, "deadline_in_" #holds, "deadline_out_" #holds },
static const struct copy_program copy_programs[TNB_COPY_MAX] = { TNB_COPIES(
	COPY_ROW) };

bool tnb_deadline_is_wanted(const char *name, const struct tnb_kernel *kernel,
			    const struct tnb_plan *plan)
{
	if (!strcmp(name, "deadline_kprobe") ||
	    !strcmp(name, "deadline_kretprobe"))
		return plan->read == TNB_ATTACH_KRETPROBE;
	for (int i = 0; i < TNB_COPY_MAX; i++)
		if (!strcmp(name, copy_programs[i].in) ||
		    !strcmp(name, copy_programs[i].out))
			return plan->read == TNB_ATTACH_FEXIT &&
			       kernel->copy[i];
	return true;
}

bool tnb_deadline_is_ours(const char *name)
{
	return !strncmp(name, "deadline_", strlen("deadline_"));
}

struct target {
	struct bpf_object *main, *session;
	const struct tnb_kernel *kernel;
};

static struct bpf_program *find(const struct target *target, const char *name)
{
	return bpf_object__find_program_by_name(target->main, name);
}

static int attach_probes(const struct target *target, int copy)
{
	const char *function = copy_programs[copy].function;
	char in[80], out[80];
	int err;

	snprintf(in, sizeof(in), "deadline_kprobe_%s", function);
	snprintf(out, sizeof(out), "deadline_kretprobe_%s", function);
	err = tnb_link_probe(find(target, "deadline_kretprobe"),
			     &(struct tnb_link_probe){ .kind = TNB_KRETPROBE,
						       .event = out,
						       .function = function,
						       .cookie = (__u64)copy,
						       .pin = out });
	return err ? err
		   : tnb_link_probe(
			     find(target, "deadline_kprobe"),
			     &(struct tnb_link_probe){ .kind = TNB_KPROBE,
						       .event = in,
						       .function = function,
						       .cookie = (__u64)copy,
						       .pin = in });
}

static int attach_fentry(const struct target *target, int copy)
{
	const char *const names[] = { copy_programs[copy].out,
				      copy_programs[copy].in };
	int err = 0;

	for (int i = 0; !err && i < 2; i++)
		err = tnb_link_pin(bpf_program__attach(find(target, names[i])),
				   names[i], false);
	return err;
}

static int attach_session(const struct target *target)
{
	struct tnb_session_target targets[TNB_COPY_MAX];
	size_t count = 0;

	for (int i = 0; i < TNB_COPY_MAX; i++)
		if (target->kernel->copy[i])
			targets[count++] = (struct tnb_session_target){
				copy_programs[i].function, (__u64)i
			};
	return tnb_link_session(target->session, "deadline_session", targets,
				count);
}

int tnb_deadlines_attach(struct bpf_object *main, struct bpf_object *session,
			 const struct tnb_kernel *kernel,
			 const struct tnb_plan *plan)
{
	const struct target target = { main, session, kernel };
	int err = 0;

	if (plan->read == TNB_ATTACH_SESSION)
		return attach_session(&target);
	for (int i = 0; !err && i < TNB_COPY_MAX; i++) {
		if (!kernel->copy[i])
			continue;
		err = plan->read == TNB_ATTACH_FEXIT
			      ? attach_fentry(&target, i)
			      : attach_probes(&target, i);
	}
	return err;
}
