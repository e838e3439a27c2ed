/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TIMENSBPF_DAEMON_ADOPT_H
#define TIMENSBPF_DAEMON_ADOPT_H

/*
 * Have the programs of this version loaded: adopt or replace those that are
 * loaded, or load them. Rules and running processes keep their time, also if
 * it fails. 0, or a negative errno; both are logged.
 */
int adopt(void);

#endif
