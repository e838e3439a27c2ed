// SPDX-License-Identifier: GPL-2.0-or-later

// read_clocks of Go: raw system calls, and what Go's own runtime reads. Same
// options and output as read_clocks.c, see doors.h.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

const (
	clocks        = 12
	referenceRows = clocks + 1
	timexRow      = clocks
	nsPerSecond   = 1000000000
	staNano       = 0x2000
)

// The runtime's monotonic clock, which package time shows only as a
// difference.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64

type reference struct {
	ret, ns [referenceRows]int64
}

var socket int

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "read_clocks-go:", err)
		os.Exit(2)
	}
}

func connect(path string) {
	var err error
	socket, err = syscall.Socket(syscall.AF_UNIX,
		syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	check(err)
	check(syscall.Bind(socket, &syscall.SockaddrUnix{}))
	check(syscall.Connect(socket, &syscall.SockaddrUnix{Name: path}))
}

func ask() (r reference) {
	buffer := make([]byte, 16*referenceRows)
	_, err := syscall.Write(socket, []byte{'?'})
	check(err)
	_, err = syscall.Read(socket, buffer)
	check(err)
	for i := 0; i < referenceRows; i++ {
		r.ret[i] = int64(binary.LittleEndian.Uint64(buffer[8*i:]))
		r.ns[i] = int64(binary.LittleEndian.Uint64(
			buffer[8*(referenceRows+i):]))
	}
	return r
}

func format(ns int64) string {
	return fmt.Sprintf("%d.%09d", ns/nsPerSecond, ns%nsPerSecond)
}

type door struct {
	name   string
	clock  int
	family string
	unit   int64
	wanted string // "": what the clock returns outside
	read   func() (ns, ret int64)
}

func (d door) report(prefix string) {
	before := ask()
	ns, ret := d.read()
	after := ask()
	low, high := before.ns[d.clock], after.ns[d.clock]
	if d.family == "cpu" {
		low, high = 0, 3600*nsPerSecond
	}
	wanted := d.wanted
	if wanted == "" {
		wanted = fmt.Sprint(before.ret[d.clock])
	} else if wanted == "timex" {
		wanted = fmt.Sprint(before.ret[timexRow])
	}
	fmt.Printf("%s%s %s %d %s %d %s %s %s\n", prefix, d.name, format(ns),
		ret, d.family, d.unit, format(low), format(high), wanted)
}

// Errors as the kernel returns them.
func raw(nr, a, b uintptr) int64 {
	ret, _, errno := syscall.RawSyscall(nr, a, b, 0)
	if errno != 0 {
		return -int64(errno)
	}
	return int64(ret)
}

func rawClock(clock int) func() (int64, int64) {
	return func() (int64, int64) {
		var t syscall.Timespec
		ret := raw(syscall.SYS_CLOCK_GETTIME, uintptr(clock),
			uintptr(unsafe.Pointer(&t)))
		return t.Nano(), ret
	}
}

func rawGettimeofday() (int64, int64) {
	var t syscall.Timeval
	ret := raw(syscall.SYS_GETTIMEOFDAY, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano(), ret
}

func rawTime() (int64, int64) {
	ret := raw(syscall.SYS_TIME, 0, 0)
	return ret * nsPerSecond, ret
}

func rawAdjtimex() (int64, int64) {
	var t syscall.Timex
	ret := raw(syscall.SYS_ADJTIMEX, uintptr(unsafe.Pointer(&t)), 0)
	fraction := t.Time.Usec
	if t.Status&staNano == 0 {
		fraction *= 1000
	}
	return t.Time.Sec*nsPerSecond + fraction, ret
}

func runtimeWall() (int64, int64)      { return time.Now().UnixNano(), 0 }
func runtimeMonotonic() (int64, int64) { return nanotime(), 0 }

func syscallGettimeofday() (int64, int64) {
	var t syscall.Timeval
	err := syscall.Gettimeofday(&t)
	check(err)
	return t.Nano(), 0
}

var quickDoors = []door{
	{"raw-clock_gettime-realtime", 0, "realtime", 1, "", rawClock(0)},
	{"raw-clock_gettime-monotonic", 1, "monotonic", 1, "", rawClock(1)},
	{"raw-clock_gettime-boottime", 7, "boottime", 1, "", rawClock(7)},
	{"raw-gettimeofday", 0, "realtime", 1000, "0", rawGettimeofday},
	{"libc-go-time.Now", 0, "realtime", 1, "0", runtimeWall},
	{"libc-go-nanotime", 1, "monotonic", 1, "0", runtimeMonotonic},
}

var otherDoors = []door{
	{"raw-clock_gettime-monotonic_raw", 4, "monotonic", 1, "", rawClock(4)},
	{"raw-clock_gettime-realtime_coarse", 5, "realtime", 1, "", rawClock(5)},
	{"raw-clock_gettime-monotonic_coarse", 6, "monotonic", 1, "",
		rawClock(6)},
	{"raw-clock_gettime-realtime_alarm", 8, "realtime", 1, "", rawClock(8)},
	{"raw-clock_gettime-boottime_alarm", 9, "boottime", 1, "", rawClock(9)},
	{"raw-clock_gettime-tai", 11, "realtime", 1, "", rawClock(11)},
	{"raw-clock_gettime-process_cputime", 2, "cpu", 1, "0", rawClock(2)},
	{"raw-time", 5, "realtime", nsPerSecond, "value", rawTime},
	{"raw-adjtimex", 0, "realtime", 1000, "timex", rawAdjtimex},
	// Go's own function goes through the vDSO if it was found.
	{"libc-gettimeofday", 0, "realtime", 1000, "0", syscallGettimeofday},
}

func main() {
	var prefix, path string
	doors := append(append([]door{}, quickDoors...), otherDoors...)
	args := os.Args[1:]
	for ; len(args) > 0 && args[0] != "--exec"; args = args[1:] {
		switch {
		case args[0] == "--quick":
			doors = quickDoors
		case args[0] == "--reference" && len(args) > 1:
			args = args[1:]
			path = args[0]
		case args[0] == "--prefix" && len(args) > 1:
			args = args[1:]
			prefix = args[0] + "/"
		default:
			check(fmt.Errorf("wrong usage: %s", args[0]))
		}
	}
	connect(path)
	for _, d := range doors {
		d.report(prefix)
	}
	if len(args) > 1 {
		check(syscall.Exec(args[1], args[1:], os.Environ()))
	}
}
