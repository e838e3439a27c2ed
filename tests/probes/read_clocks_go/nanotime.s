// SPDX-License-Identifier: GPL-2.0-or-later
// Empty: its presence lets the compiler accept a function without a body,
// which the linker takes from the runtime (go:linkname in main.go).
