/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Functions that are neither static nor inline are walked by the verifier once,
 * with any arguments, and not once for each way that leads to them; and they
 * have a stack frame of their own.
 */
#ifndef TIMENSBPF_BPF_LIB_ONCE_BPF_H
#define TIMENSBPF_BPF_LIB_ONCE_BPF_H

#define TNB_ONCE __weak __noinline

#endif
