/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unserved KIND FILE: a process whose memory is FILE's, of which no page but
 * the first is there. KIND: what lies in it.
 *   stack	the stack of its only thread
 *   thread	the stack of another thread
 *   auxv	what the kernel says of where its auxiliary vector is
 *   vdso	the kernel's vDSO
 *   link	its link page
 *   image	its image
 *   fault	nothing; a thread waits for a page
 *   locked	nothing; a thread waits for a page and keeps the lock of its
 *		mappings meanwhile, another one waits for the lock
 *
 * Each byte of standard input leads a step on; it writes a line for each:
 *   mapped	FILE's first page was read
 *   ready	it is so
 *   back	it was, and runs on: stacks are as they were
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096ul
#define SIZE (1ul << 19)

static char *memory; /* of the file */
static int file;
static char byte;

static void die(const char *what)
{
	fprintf(stderr, "unserved: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void say(const char *line)
{
	if (write(STDOUT_FILENO, line, strlen(line)) < 0)
		_exit(1);
}

static void next_step(void)
{
	if (read(STDIN_FILENO, &byte, 1) != 1)
		_exit(0);
}

/* The same, with the stack in that memory; nothing is stored there. */
static void next_step_there(void)
{
	long result = SYS_read;

	__asm__ volatile("mov %%rsp, %%rbx\n\t"
			 "mov %[stack], %%rsp\n\t"
			 "syscall\n\t"
			 "mov %%rbx, %%rsp"
			 : "+a"(result)
			 : "D"(STDIN_FILENO), "S"(&byte),
			   "d"(1ul), [stack] "r"(memory + SIZE / 2)
			 : "rbx", "rcx", "r11", "memory");
	if (result != 1)
		_exit(0);
}

/* ---- Each kind ----------------------------------------------------------- */

static void *wait_there(void *unused)
{
	next_step_there();
	return unused;
}

static void *fetch(void *unused)
{
	(void)*(volatile char *)(memory + SIZE / 2);
	return unused;
}

/* access_remote_vm() of the kernel does not let go of the lock. */
static void *fetch_locked(void *unused)
{
	int self = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char c;

	if (self < 0 ||
	    pread(self, &c, 1, (off_t)(uintptr_t)(memory + SIZE / 2)) != 1)
		die("/proc/self/mem");
	close(self);
	return unused;
}

static void *change_mappings(void *unused)
{
	next_step();
	munmap(memory + SIZE - PAGE, PAGE);
	return unused;
}

static pthread_t start(void *(*run)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, NULL))
		die("thread");
	return thread;
}

/* The first mapping of that name */
static void find(const char *name, uintptr_t *begin, uintptr_t *end)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, name) &&
		    sscanf(line, "%lx-%lx", begin, end) == 2) {
			fclose(maps);
			return;
		}
	die(name);
}

static void cover(uintptr_t at, size_t size)
{
	if (mmap((void *)at, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_FIXED, file, (off_t)PAGE) == MAP_FAILED)
		die("mmap");
}

static void cover_named(const char *name, size_t pages_on)
{
	uintptr_t begin, end;

	find(name, &begin, &end);
	cover(begin + pages_on * PAGE, end - begin);
}

static void run(const char *kind)
{
	pthread_t thread = 0, other = 0;

	if (!strcmp(kind, "thread"))
		thread = start(wait_there);
	else if (!strcmp(kind, "auxv"))
		(void)!prctl(PR_SET_MM, PR_SET_MM_START_STACK,
			     memory + SIZE / 2, 0, 0);
	else if (!strcmp(kind, "vdso"))
		cover_named("[vdso]", 0);
	else if (!strcmp(kind, "link"))
		cover_named("anon_inode:bpf-map", 1);
	else if (!strcmp(kind, "image"))
		cover_named("anon_inode:bpf-map", 2);
	else if (!strcmp(kind, "fault"))
		thread = start(fetch);
	else if (!strcmp(kind, "locked")) {
		other = start(change_mappings);
		thread = start(fetch_locked);
	}
	say("ready\n");
	if (!strcmp(kind, "stack"))
		next_step_there();
	else if (strcmp(kind, "thread") && strcmp(kind, "locked"))
		next_step();
	if (thread)
		pthread_join(thread, NULL);
	if (other)
		pthread_join(other, NULL);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	file = open(argv[2], O_RDWR | O_CLOEXEC);
	if (file < 0)
		die(argv[2]);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	if (memory == MAP_FAILED || madvise(memory, SIZE, MADV_RANDOM))
		die("mmap");
	if (*memory != 'x')
		die("read");
	say("mapped\n");
	next_step();
	run(argv[1]);
	say("back\n");
	for (;;)
		next_step();
}
