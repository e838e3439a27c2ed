/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching one program and pinning its link below timensbpf-new. */
#ifndef TIMENSBPF_LOADER_KERNEL_ATTACH_LINK_H
#define TIMENSBPF_LOADER_KERNEL_ATTACH_LINK_H

#include "plan.h"

#include <bpf/libbpf.h>

struct tnb_bpf_link {
	const struct tnb_program *row;
	const struct tnb_point *point; /* of a probe of our own */
	char name[112];		       /* of its pin and of its probe */
};

/* TNB_BY_SECTION, TNB_BY_EVENT */
TNB_MUST_CHECK int tnb_attach_by_section(const struct bpf_program *program,
					 const struct tnb_bpf_link *link);
/* TNB_BY_PROBE, TNB_BY_RETURN */
TNB_MUST_CHECK int tnb_attach_by_probe(const struct bpf_program *program,
				       const struct tnb_bpf_link *link);
/* TNB_BY_SESSION */
TNB_MUST_CHECK int tnb_attach_by_session(const struct bpf_program *program,
					 const struct tnb_bpf_link *link,
					 const struct tnb_point *points,
					 size_t count);

#endif
