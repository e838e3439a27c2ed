/* SPDX-License-Identifier: GPL-2.0-or-later */
/* auxv_dump: the types of the auxiliary vector on the stack, in order, then
 * "sysinfo_ehdr present" or "sysinfo_ehdr absent". */
#include <elf.h>
#include <link.h>
#include <stdio.h>

extern char **environ;

int main(void)
{
	char **end = environ;
	const ElfW(auxv_t) * auxv;
	const char *ehdr = "absent";

	while (*end)
		end++;
	auxv = (const void *)(end + 1);
	for (; auxv->a_type != AT_NULL; auxv++) {
		printf("type %lu\n", (unsigned long)auxv->a_type);
		if (auxv->a_type == AT_SYSINFO_EHDR)
			ehdr = "present";
	}
	printf("sysinfo_ehdr %s\n", ehdr);
	return 0;
}
