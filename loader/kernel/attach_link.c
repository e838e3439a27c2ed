/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach_link.h"

#include "attach_session.h"
#include "pins.h"
#include "probe_events.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>

/*
 * The pin keeps the link, and our file descriptor has to go. Destroying a link
 * of a perf event would also disable the event (bpf_link_perf_detach() in
 * libbpf's src/libbpf.c). So only the descriptor of the link is closed; libbpf
 * gives no access to that of the event, which is closed when the process ends.
 */
static void drop_link(struct bpf_link *link, bool is_perf_event)
{
	if (is_perf_event) {
		close(bpf_link__fd(link));
		bpf_link__disconnect(link);
	}
	bpf_link__destroy(link);
}

/* `attached`: what bpf_program__attach() returned, NULL and errno if it
 * failed. */
static int pin_link(struct bpf_link *attached, const char *name,
		    bool is_perf_event)
{
	int err;

	if (!attached)
		return tnb_fail(-errno, "cannot attach the program %s: %s",
				name, strerror(errno));
	err = tnb_pins_add(TNB_PINS_NEW, "links", name, bpf_link__fd(attached));
	drop_link(attached, is_perf_event);
	return err;
}

int tnb_attach_by_section(const struct bpf_program *program,
			  const struct tnb_bpf_link *link)
{
	return pin_link(bpf_program__attach(program), link->name,
			link->row->by == TNB_BY_EVENT);
}

int tnb_attach_by_probe(const struct bpf_program *program,
			const struct tnb_bpf_link *link)
{
	LIBBPF_OPTS(bpf_perf_event_opts, opts,
		    .bpf_cookie = link->point->cookie, );
	/* The kernel's link holds the event. */
	_cleanup_close_
	int event = tnb_probe_open(
		link->row->by == TNB_BY_RETURN ? TNB_KRETPROBE : TNB_KPROBE,
		link->name, link->point->function);

	if (event < 0)
		return event;
	return pin_link(
		bpf_program__attach_perf_event_opts(program, event, &opts),
		link->name, true);
}

int tnb_attach_by_session(const struct bpf_program *program,
			  const struct tnb_bpf_link *link,
			  const struct tnb_point *points, size_t count)
{
	_cleanup_close_
	int fd = tnb_attach_session(bpf_program__fd(program), points, count);

	return fd < 0 ? fd
		      : tnb_pins_add(TNB_PINS_NEW, "links", link->name, fd);
}
