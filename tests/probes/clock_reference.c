/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock_reference SOCKET: answers every datagram with the clocks of this
 * process, read after the question came (see reference.h). */
#define _GNU_SOURCE
#include "reference.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (argc != 2) {
		fprintf(stderr, "usage: clock_reference SOCKET\n");
		return 2;
	}
	strncpy(address.sun_path, argv[1], sizeof(address.sun_path) - 1);
	unlink(address.sun_path);
	/* For probes without privileges too. */
	umask(0);
	if (fd < 0 || bind(fd, (void *)&address, sizeof(address))) {
		perror(argv[1]);
		return 1;
	}
	for (;;) {
		struct sockaddr_un client;
		socklen_t size = sizeof(client);
		struct reference reference;
		char question;

		if (recvfrom(fd, &question, 1, 0, (void *)&client, &size) != 1)
			continue;
		reference_read(&reference);
		sendto(fd, &reference, sizeof(reference), 0, (void *)&client,
		       size);
	}
}
