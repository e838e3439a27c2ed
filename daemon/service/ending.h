/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells the service's threads to end. */
#ifndef TIMENSBPF_DAEMON_SERVICE_ENDING_H
#define TIMENSBPF_DAEMON_SERVICE_ENDING_H

#include <stdbool.h>
#include <timensbpf/timensbpf.h>

struct tnb_ending {
	bool now; /* atomic */
	int fd;	  /* eventfd: readable from then on */
};

TNB_MUST_CHECK int tnb_ending_open(struct tnb_ending *ending);
void tnb_ending_begin(struct tnb_ending *ending);
void tnb_ending_close(struct tnb_ending *ending);

#endif
