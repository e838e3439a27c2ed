/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /run/timensbpf: the daemon's lock and its control socket. */
#ifndef TIMENSBPF_DAEMON_RUN_DIR_H
#define TIMENSBPF_DAEMON_RUN_DIR_H

/*
 * Make the directory root's alone, and take the lock of the one daemon there.
 * Returns an fd that holds it, or a negative errno, logged. -EBUSY: another has
 * it.
 */
int run_dir_lock(const char *dir);

#endif
