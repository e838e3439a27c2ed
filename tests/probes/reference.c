/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void reference_read(struct reference *reference)
{
	native_timex timex = { .modes = 0 };

	memset(reference, 0, sizeof(*reference));
	for (int clock = 0; clock < RAW_CLOCKS; clock++) {
		struct native_time time = { 0, 0 };

		reference->ret[clock] =
			raw3(NR_CLOCK_GETTIME, clock, (long)&time, 0);
		reference->ns[clock] = native_ns(time);
	}
	reference->ret[REFERENCE_TIMEX] = raw3(NR_ADJTIMEX, (long)&timex, 0, 0);
}

int reference_connect(const char *path)
{
	struct sockaddr_un server = { .sun_family = AF_UNIX };
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(server.sun_path, path, sizeof(server.sun_path) - 1);
	/* A bare family asks for any free name, to which the answer goes. */
	if (fd < 0 || bind(fd, (void *)&own, sizeof(own.sun_family)) ||
	    connect(fd, (void *)&server, sizeof(server))) {
		perror(path);
		exit(2);
	}
	return fd;
}

void reference_ask(int fd, struct reference *reference)
{
	char question = '?';

	if (send(fd, &question, 1, 0) != 1 ||
	    recv(fd, reference, sizeof(*reference), 0) != sizeof(*reference)) {
		perror("clock_reference");
		exit(2);
	}
}
