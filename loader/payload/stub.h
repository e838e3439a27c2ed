/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Code that a process runs for us once, in a spare place of its own vDSO: it
 * maps the clock page and the two pages behind it, tells where, and waits until
 * the loader has filled them or has ended. Then it restores all registers and
 * goes on where the process was. Nothing in it depends on the loader staying
 * alive. A loader that hangs is ended by its guard; where that hangs as well,
 * the wait ends after STUB_WAIT_S. (It has to be long: where the loader gets no
 * CPU, the program would run meanwhile with what is half done.)
 *
 * The code is in arch/<TNB_ARCH>/stub.S. Its data follow it, aligned to 8
 * (struct tnb_stub_data there).
 */
#ifndef TIMENSBPF_LOADER_PAYLOAD_STUB_H
#define TIMENSBPF_LOADER_PAYLOAD_STUB_H

/* What a vDSO has to have room for, in bytes: code and data. */
#define TNB_STUB_ROOM 1024u

extern const unsigned char tnb_stub_begin[], tnb_stub_end[];

#endif
