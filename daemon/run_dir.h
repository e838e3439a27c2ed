/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /run/timensbpf: the daemon's lock and its control socket. */
#ifndef TIMENSBPF_DAEMON_RUN_DIR_H
#define TIMENSBPF_DAEMON_RUN_DIR_H

/*
 * Make the directory accessible to root only, and take the daemon's lock in it.
 * Returns a descriptor that holds the lock, or a negative errno, logged.
 * -EBUSY: another daemon has it.
 */
int run_dir_lock(const char *dir);

#endif
