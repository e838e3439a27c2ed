/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* debugfs and tracefs by a mount that no other process sees. */
#ifndef TIMENSBPF_LOADER_KERNEL_TRACEFS_H
#define TIMENSBPF_LOADER_KERNEL_TRACEFS_H

/* Return a directory fd of a detached mount, or -1 (no privileges, lockdown).
 * The mount table of the system stays as it is. */
int tnb_debugfs_open(void);
int tnb_tracefs_open(void);

/* First line of a file in it. Returns 0 or -errno. */
int tnb_debugfs_read(int directory, const char *path, char *line, int size);

#endif
