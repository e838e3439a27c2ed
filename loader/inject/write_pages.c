/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write_pages.h"

#include "vdso/jumps.h"

#include <errno.h>
#include <string.h>

int tnb_write_check(const struct tnb_tracee *tracee,
		    const struct tnb_vdso *vdso, __u64 at)
{
	uint8_t header[TNB_VDSO_HEADER];
	int err = tnb_tracee_read(tracee, at, header, sizeof(header));

	if (err)
		return err;
	return memcmp(vdso->header, header, sizeof(header)) ? -ENOEXEC : 0;
}

/* The link first: without a pass the image does not look further. */
int tnb_write_pages(const struct tnb_tracee *tracee,
		    const struct tnb_writing *fill)
{
	struct tnb_vdso_link link;
	int err;

	tnb_vdso_link(fill->vdso, fill->at, 0, TNB_NO_PASS, &link);
	link.no_calls = fill->no_calls;
	err = tnb_tracee_write(tracee, fill->pages + TNB_PAGE_SIZE, &link,
			       sizeof(link));
	return err ? err
		   : tnb_tracee_write(tracee, fill->pages + 2 * TNB_PAGE_SIZE,
				      fill->vdso->image, TNB_PAGE_SIZE);
}

int tnb_write_slot(const struct tnb_tracee *tracee,
		   const struct tnb_writing *fill)
{
	return tnb_tracee_write(tracee,
				fill->pages + TNB_PAGE_SIZE +
					offsetof(struct tnb_vdso_link, slot),
				&fill->slot, sizeof(fill->slot));
}

int tnb_write_pass(const struct tnb_tracee *tracee, __u64 pages, __u64 pass)
{
	return tnb_tracee_write(tracee,
				pages + TNB_PAGE_SIZE +
					offsetof(struct tnb_vdso_link, pass),
				&pass, sizeof(pass));
}

static int write_code(const struct tnb_tracee *tracee, __u64 base,
		      const struct tnb_vdso_jump *jumps, size_t count)
{
	int err = 0;

	for (size_t i = 0; !err && i < count; i++)
		err = tnb_tracee_write(tracee, base + jumps[i].offset,
				       jumps[i].code, jumps[i].length);
	return err;
}

int tnb_write_jumps(const struct tnb_tracee *tracee,
		    const struct tnb_writing *fill)
{
	struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS];
	size_t count = tnb_vdso_jumps(fill->vdso, fill->at,
				      fill->pages + 2 * TNB_PAGE_SIZE, jumps);

	return write_code(tracee, fill->at, jumps, count);
}

int tnb_write_jumps_back(const struct tnb_tracee *tracee,
			 const struct tnb_writing *fill)
{
	struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS];
	size_t count = tnb_vdso_originals(fill->vdso, jumps);
	int err = write_code(tracee, fill->at, jumps, count);

	if (err)
		return err;
	count = tnb_vdso_jumps_back(fill->vdso, fill->at,
				    fill->pages + 2 * TNB_PAGE_SIZE, jumps);
	return write_code(tracee, fill->pages + 2 * TNB_PAGE_SIZE, jumps,
			  count);
}
