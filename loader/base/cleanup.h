/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Local variables that are freed or closed at the end of their scope. TAKE_FD()
 * and TAKE_PTR() pass the ownership on. */
#ifndef TIMENSBPF_LOADER_BASE_CLEANUP_H
#define TIMENSBPF_LOADER_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void tnb_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void tnb_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void tnb_cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static inline void tnb_cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define _cleanup_close_ __attribute__((cleanup(tnb_cleanup_close)))
#define _cleanup_free_ __attribute__((cleanup(tnb_cleanup_free)))
#define _cleanup_closedir_ __attribute__((cleanup(tnb_cleanup_closedir)))
#define _cleanup_fclose_ __attribute__((cleanup(tnb_cleanup_fclose)))

#define TAKE_FD(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

#define TAKE_PTR(pointer)                               \
	({                                              \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

#endif
