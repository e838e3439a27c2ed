/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Error numbers, which vmlinux.h lacks (include/uapi/asm-generic/errno-base.h).
 */
#ifndef TIMENSBPF_BPF_LIB_ERRNO_BPF_H
#define TIMENSBPF_BPF_LIB_ERRNO_BPF_H

#define TNB_EPERM 1
#define TNB_ESRCH 3
#define TNB_EAGAIN 11
#define TNB_EFAULT 14
#define TNB_EBUSY 16
#define TNB_EEXIST 17
#define TNB_EINVAL 22

#endif
