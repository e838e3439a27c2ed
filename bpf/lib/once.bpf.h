/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * The verifier checks a function that is neither static nor inline once, for
 * all arguments, instead of once for each path that leads to it. The function
 * also has a stack frame of its own.
 */
#ifndef TIMENSBPF_BPF_LIB_ONCE_BPF_H
#define TIMENSBPF_BPF_LIB_ONCE_BPF_H

#define TNB_ONCE __weak __noinline

#endif
