/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "links.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "pins.h"

#include <errno.h>

/*
 * The pin keeps the link, our fd has to go. Of a perf event libbpf would
 * disable the event as well: there only the fd of the link is closed, and that
 * of the event, which libbpf keeps to itself, goes with the process.
 */
static void drop_link(struct bpf_link *link, bool is_perf_event)
{
	if (is_perf_event) {
		close(bpf_link__fd(link));
		bpf_link__disconnect(link);
	}
	bpf_link__destroy(link);
}

int tnb_link_pin(struct bpf_link *link, const char *name, bool is_perf_event)
{
	int err;

	if (!link)
		return tnb_fail(-errno, "cannot attach the program %s: %s",
				name, strerror(errno));
	err = tnb_pins_add(TNB_PINS_NEW, "links", name, bpf_link__fd(link));
	drop_link(link, is_perf_event);
	return err;
}

int tnb_link_probe(struct bpf_program *program,
		   const struct tnb_link_probe *probe)
{
	LIBBPF_OPTS(bpf_perf_event_opts, opts, .bpf_cookie = probe->cookie, );
	/* The kernel's link holds the event. */
	_cleanup_close_
	int event = tnb_probe_open(probe->kind, probe->event, probe->function);

	if (event < 0)
		return event;
	return tnb_link_pin(
		bpf_program__attach_perf_event_opts(program, event, &opts),
		probe->pin, true);
}

int tnb_link_session(struct bpf_object *object, const char *name,
		     const struct tnb_session_target *targets, size_t count)
{
	struct bpf_program *program =
		bpf_object__find_program_by_name(object, name);
	_cleanup_close_
	int fd = tnb_session_attach(bpf_program__fd(program), targets, count);

	return fd < 0 ? fd : tnb_pins_add(TNB_PINS_NEW, "links", name, fd);
}
