/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `show` tells, read as a whole before anything is printed. */
#ifndef TIMENSBPF_CLI_VIEW_H
#define TIMENSBPF_CLI_VIEW_H

#include <timensbpf/timensbpf.h>

struct view {
	struct tnb *tnb; /* NULL: nothing is loaded */
	struct tnb_rule *rules;
	struct tnb_process **processes; /* of each rule */
	int *process_counts;
	int rule_count;
	struct tnb_figure *figures;
	int figure_count;
};

/* Which parts people are shown. */
struct view_parts {
	bool processes;
	bool figures;
};

/* 0, or a negative errno: -ENOMEM, or with the library's message. To be freed
 * either way. */
int view_read(struct view *view);
void view_free(struct view *view);

void view_print_text(const struct view *view, const struct view_parts *parts);
/* Returns the exit status. */
int view_print_json(const struct view *view);

/* ISO 8601, UTC. `digits` of the fraction: 0 or 9. */
void view_format_date(const struct timespec *date, int digits, char *text,
		      size_t size);

#endif
