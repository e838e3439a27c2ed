/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map_tricks clock-page: tries to write the clock page that it maps, and to map
 * more of what it is part of. Prints each trick that the kernel allowed, and
 * how many it tried. map_tricks move-vdso: has its vDSO elsewhere, as after a
 * restore by CRIU, and calls nothing there; then for each line on standard
 * input prints what the system call says, "REALTIME" in seconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL

/* The first mapping whose line has `name`: begin and end. */
static int find(const char *name, uintptr_t *begin, uintptr_t *end)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int found = 0;

	while (maps && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, name) &&
			sscanf(line, "%lx-%lx", begin, end) == 2;
	if (maps)
		fclose(maps);
	return found;
}

/* ---- The clock page ------------------------------------------------------ */

static int can_protect(char *page)
{
	return !mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

static int can_execute_and_write(char *page)
{
	return !mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int can_write_by_mem(char *page)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	int allowed = fd >= 0 &&
		      pwrite(fd, page, 8, (off_t)(uintptr_t)page) > 0;

	if (fd >= 0)
		close(fd);
	return allowed;
}

static int can_grow(char *page)
{
	return mremap(page, PAGE, 2 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED;
}

/* An old size of 0 makes another mapping of what is shared. */
static int can_map_more(char *page)
{
	return mremap(page, 0, 2 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED;
}

static int can_reorder(char *page)
{
	return !syscall(SYS_remap_file_pages, page, PAGE, 0UL, 1UL, 0UL);
}

static int can_open(char *page)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (uintptr_t)page, (uintptr_t)page + PAGE);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

static int try_all(void)
{
	static const struct {
		const char *name;
		int (*is_allowed)(char *page);
	} tricks[] = {
		{ "mprotect", can_protect },
		{ "mprotect with execution", can_execute_and_write },
		{ "/proc/self/mem", can_write_by_mem },
		{ "mremap, larger", can_grow },
		{ "mremap, a second mapping", can_map_more },
		{ "remap_file_pages", can_reorder },
		{ "/proc/self/map_files", can_open },
	};
	int count = sizeof(tricks) / sizeof(*tricks);
	uintptr_t begin, end;

	if (!find("bpf-map", &begin, &end) || end - begin != PAGE)
		return 1;
	for (int i = 0; i < count; i++)
		if (tricks[i].is_allowed((char *)begin))
			printf("allowed: %s\n", tricks[i].name);
	printf("tried: %d\n", count);
	return 0;
}

/* ---- The vDSO ------------------------------------------------------------ */

static int move_vdso(void)
{
	uintptr_t begin, end;
	void *room;
	char line[16];

	if (!find("[vdso]", &begin, &end))
		return 1;
	room = mmap(NULL, end - begin, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (room == MAP_FAILED ||
	    mremap((void *)begin, end - begin, end - begin,
		   MREMAP_MAYMOVE | MREMAP_FIXED, room) == MAP_FAILED)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		struct timespec now;

		syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
		printf("%lld\n", (long long)now.tv_sec);
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "clock-page"))
		return try_all();
	if (argc == 2 && !strcmp(argv[1], "move-vdso"))
		return move_vdso();
	return 2;
}
