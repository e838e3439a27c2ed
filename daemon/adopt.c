/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "adopt.h"

#include "journal.h"

#include <errno.h>
#include <stdio.h>
#include <timensbpf/timensbpf.h>

/* What a predecessor has left, in words; a failure if it cannot be used. */
static int look_at_loaded(char *text, size_t size)
{
	struct tnb *tnb = NULL;
	int err = tnb_open(&tnb);

	if (!err)
		snprintf(text, size, "version %s by %s",
			 tnb_loaded_version(tnb), tnb_loaded_attach(tnb));
	tnb_close(&tnb);
	return err == -ENOENT ? 0 : err;
}

int adopt(void)
{
	char loaded[128] = "none";
	int result = look_at_loaded(loaded, sizeof(loaded));

	if (!result)
		result = tnb_load_or_adopt();
	if (result < 0)
		journal(LOG_ERR, "%s", tnb_error_message());
	else if (result == TNB_LOAD_REPLACED)
		journal(LOG_NOTICE,
			"programs replaced, rules kept: %s was loaded", loaded);
	else if (result == TNB_LOAD_CURRENT)
		journal(LOG_INFO, "programs adopted: %s is loaded", loaded);
	else
		journal(LOG_INFO, "programs loaded");
	return result < 0 ? result : 0;
}
