/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cgroups by name: as systemd prints them, /system.slice/x.service. */
#ifndef TIMENSBPF_CLI_CGROUP_H
#define TIMENSBPF_CLI_CGROUP_H

/* The row for it in a table of options. */
#define CGROUP_OPTION(value)                                                                                                   \
	{                                                                                                                      \
		"cgroup", '\0', POPT_ARG_STRING, NULL, value,                                                                  \
			"its directory, or its name below the cgroup v2 mount, as systemd prints it: /system.slice/x.service", \
			"PATH"                                                                                                 \
	}

/*
 * The directory that is meant: the path if it exists, else the one of that name
 * below the mount if that exists, else what was given. To be freed; NULL: out
 * of memory.
 */
char *cgroup_resolve(const char *given);

#endif
