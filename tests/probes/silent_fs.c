/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * silent_fs DIRECTORY: mounts there a file system that it serves by itself. Any
 * name is a file of FILE_SIZE bytes 'x'.
 *
 * SIGUSR1: from now on no READ is answered. SIGUSR2: all are, those that wait
 * too. It writes a line each:
 *   answers | silent	what it does from now on
 *   asked PID		a READ of that process is left without an answer
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE (1u << 20)
#define FILE_NODE 2
#define FOREVER 100000

#define WAITING_MAX 64

static int device;
static bool silent;
static struct fuse_in_header waiting[WAITING_MAX];
static unsigned int waiting_size[WAITING_MAX];
static size_t waiting_count;

static void die(const char *what)
{
	fprintf(stderr, "silent_fs: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A request names the thread. */
static int process_of(unsigned int tid)
{
	char path[40], line[128];
	FILE *status;
	int pid = -1;

	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status) &&
	       sscanf(line, "Tgid: %d", &pid) != 1)
		;
	if (status)
		fclose(status);
	return pid;
}

/* Where the caller was killed, there is no request any more: ENOENT. */
static void answer(const struct fuse_in_header *in, int err, const void *body,
		   size_t size)
{
	static char message[sizeof(struct fuse_out_header) + FILE_SIZE];
	const struct fuse_out_header out = {
		.len = (unsigned int)(sizeof(out) + size),
		.error = err,
		.unique = in->unique,
	};

	memcpy(message, &out, sizeof(out));
	if (size)
		memcpy(message + sizeof(out), body, size);
	if (write(device, message, out.len) < 0 && errno != ENOENT)
		die("answer");
}

/* ---- What is asked ------------------------------------------------------- */

static struct fuse_attr attributes(uint64_t node)
{
	const bool is_file = node == FILE_NODE;

	return (struct fuse_attr){
		.ino = node,
		.mode = is_file ? S_IFREG | 0666 : S_IFDIR | 0755,
		.nlink = 1,
		.size = is_file ? FILE_SIZE : 0,
		.blksize = 4096,
	};
}

/* No flags: a page is read by the thread that needs it, one at a time. */
static void begin(const struct fuse_in_header *in)
{
	const struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = 31,
		.max_write = 4096,
	};

	answer(in, 0, &out, sizeof(out));
}

static void look_up(const struct fuse_in_header *in)
{
	const struct fuse_entry_out out = {
		.nodeid = FILE_NODE,
		.entry_valid = FOREVER,
		.attr_valid = FOREVER,
		.attr = attributes(FILE_NODE),
	};

	answer(in, 0, &out, sizeof(out));
}

static void get_attributes(const struct fuse_in_header *in)
{
	const struct fuse_attr_out out = {
		.attr_valid = FOREVER,
		.attr = attributes(in->nodeid),
	};

	answer(in, 0, &out, sizeof(out));
}

static void open_file(const struct fuse_in_header *in)
{
	const struct fuse_open_out out = { .fh = 1 };

	answer(in, 0, &out, sizeof(out));
}

static void give(const struct fuse_in_header *in, unsigned int size)
{
	static char content[FILE_SIZE];

	memset(content, 'x', sizeof(content));
	answer(in, 0, content, size < FILE_SIZE ? size : FILE_SIZE);
}

static void read_file(const struct fuse_in_header *in)
{
	const struct fuse_read_in *wanted = (const void *)(in + 1);

	if (!silent) {
		give(in, wanted->size);
		return;
	}
	if (waiting_count == WAITING_MAX)
		die("too many wait");
	waiting_size[waiting_count] = wanted->size;
	waiting[waiting_count++] = *in;
	printf("asked %d\n", process_of(in->pid));
}

static void serve(const struct fuse_in_header *in)
{
	switch (in->opcode) {
	case FUSE_INIT:
		begin(in);
		break;
	case FUSE_LOOKUP:
		look_up(in);
		break;
	case FUSE_GETATTR:
		get_attributes(in);
		break;
	case FUSE_OPEN:
		open_file(in);
		break;
	case FUSE_READ:
		read_file(in);
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		answer(in, 0, NULL, 0);
		break;
	/* These have no answer. */
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(in, -ENOSYS, NULL, 0);
	}
}

/* ---- The mount ----------------------------------------------------------- */

static void mount_at(const char *directory)
{
	char options[96];

	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		die("/dev/fuse");
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 device);
	if (mount("silent_fs", directory, "fuse", MS_NOSUID | MS_NODEV,
		  options))
		die(directory);
}

static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		die("signalfd");
	return fd;
}

static void take_signal(int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		die("signal");
	silent = info.ssi_signo == SIGUSR1;
	for (size_t i = 0; !silent && i < waiting_count; i++)
		give(&waiting[i], waiting_size[i]);
	if (!silent)
		waiting_count = 0;
	puts(silent ? "silent" : "answers");
}

static void take_request(void)
{
	static char request[1 << 17];
	ssize_t got = read(device, request, sizeof(request));

	if (got >= (ssize_t)sizeof(struct fuse_in_header))
		serve((const void *)request);
	/* ENOENT: it was killed meanwhile. ENODEV: unmounted. */
	else if (got >= 0 || (errno != EINTR && errno != ENOENT))
		exit(0);
}

int main(int argc, char **argv)
{
	int signals = open_signals();

	if (argc < 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	mount_at(argv[1]);
	puts("answers");
	for (;;) {
		struct pollfd ready[] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = device, .events = POLLIN },
		};

		if (poll(ready, 2, -1) < 0)
			continue;
		if (ready[0].revents)
			take_signal(signals);
		if (ready[1].revents)
			take_request();
	}
}
