/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TIMENSBPF_TESTS_PROBES_TOLERANCE_H
#define TIMENSBPF_TESTS_PROBES_TOLERANCE_H

/*
 * How much later than its deadline a wait may end. An emulated guest whose
 * machine is busy stands still for a second now and then; offsets differ from
 * it by minutes. There is no tolerance for early.
 */
#define LATE_NS 2000000000LL

#endif
