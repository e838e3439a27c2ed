/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests, once they are found to be sound and their turn has come. */
#ifndef TIMENSBPF_DAEMON_CARRY_OUT_H
#define TIMENSBPF_DAEMON_CARRY_OUT_H

#include "worker.h"

/* SET and UNSET, by the library. */
void carry_out(const struct request *request,
	       struct tnb_control_answer *answer);

#endif
