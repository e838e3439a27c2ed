/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carrying out requests that were checked. */
#ifndef TIMENSBPF_DAEMON_CARRY_OUT_H
#define TIMENSBPF_DAEMON_CARRY_OUT_H

#include "worker.h"

/* SET and UNSET, by the library. Fills in result, text and change. */
void carry_out(const struct request *request,
	       struct tnb_control_answer *answer);

#endif
