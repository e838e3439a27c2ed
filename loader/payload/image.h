/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the image share: where its data are, and what the
 * architecture does (arch/<TNB_ARCH>/arch.h). */
#ifndef TIMENSBPF_LOADER_PAYLOAD_IMAGE_H
#define TIMENSBPF_LOADER_PAYLOAD_IMAGE_H

/* The compiler is to choose. */
#define tnb_inline static inline
#if __SIZEOF_POINTER__ == 4
#define tnb_apart static __attribute__((noinline))
#endif

#include <linux/time.h>
#include <linux/time_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <abi/latch.h>
#include <abi/vdso_link.h>

/* In the process that it is mapped into. */
typedef unsigned long tnb_address;

#define tnb_likely(x) __builtin_expect(!!(x), 1)
#define tnb_unlikely(x) __builtin_expect(!!(x), 0)
/* Slow paths are reached by tail calls: the fast path needs no frame. */
#define tnb_slow static __attribute__((noinline, cold))

#define tnb_fast static inline __attribute__((always_inline))

#define HIDDEN __attribute__((visibility("hidden")))
/* In a section of its own: image.lds gives it a fixed place. */
#define EXPORTED(name) \
	__attribute__((visibility("default"), section(".text.tnb_" #name)))
#define WEAK_NAME(of) \
	__attribute__((weak, visibility("default"), alias("__vdso_" #of)))

/* image.lds: the two pages in front of the image. */
extern const struct tnb_clock_page tnb_clock_page HIDDEN;
extern const struct tnb_vdso_link tnb_link HIDDEN;

#include <arch.h>

#endif
