/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what clocks are to show (timensbpf/clock.h) to offsets for a page. */
#ifndef TIMENSBPF_LOADER_RULES_SETTINGS_H
#define TIMENSBPF_LOADER_RULES_SETTINGS_H

#include "clock_page.h"

#include <timensbpf/clock.h>

/* 0, or -EINVAL: there are none, they are of another size, or a member has no
 * meaning here. */
TNB_MUST_CHECK int
tnb_settings_check(const struct tnb_clock_settings *settings);

/*
 * Apply the clocks that are given to *offsets. -EINVAL: a member has no
 * meaning here. -ERANGE: a clock would leave its range; the message names the
 * nearest value that is allowed now.
 */
TNB_MUST_CHECK int tnb_settings_apply(const struct tnb *tnb,
				      const struct tnb_clock_settings *settings,
				      struct tnb_offsets *offsets);

#endif
