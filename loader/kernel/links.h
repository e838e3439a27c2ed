/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching programs and pinning the links below timensbpf-new. */
#ifndef TIMENSBPF_LOADER_KERNEL_LINKS_H
#define TIMENSBPF_LOADER_KERNEL_LINKS_H

#include "probe_events.h"
#include "session.h"

#include <bpf/libbpf.h>
#include <stdbool.h>

/* Pin what bpf_program__attach() returned (NULL: its failure) and give it up.
 * `is_perf_event`: libbpf attached it by one. */
TNB_MUST_CHECK int tnb_link_pin(struct bpf_link *link, const char *name,
				bool is_perf_event);

struct tnb_link_probe {
	enum tnb_probe kind;
	const char *event; /* name in tracefs */
	const char *function;
	__u64 cookie;
	const char *pin;
};

/* Attach `program` to a probe of its own and pin it. */
TNB_MUST_CHECK int tnb_link_probe(struct bpf_program *program,
				  const struct tnb_link_probe *probe);

/* Attach the program `name` of `object` as a kprobe session to all targets and
 * pin it under its name. */
TNB_MUST_CHECK int tnb_link_session(struct bpf_object *object, const char *name,
				    const struct tnb_session_target *targets,
				    size_t count);

#endif
