/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of timensbpfd. */
#ifndef TIMENSBPF_DAEMON_OPTIONS_H
#define TIMENSBPF_DAEMON_OPTIONS_H

struct options {
	int foreground, verbose, attached;
};

/* Ends the process for --help and --version, and with status 2 for what it does
 * not know. */
struct options options_parse(int argc, const char **argv);

#endif
