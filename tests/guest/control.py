# SPDX-License-Identifier: GPL-2.0-or-later
"""control.py HOW: says something to the control socket and prints what comes
back, one line each: accepted, done RESULT TEXT, refused RESULT TEXT, closed."""

import array
import os
import socket
import struct
import sys

PATH = "/run/timensbpf/control"
MAGIC, VERSION, SIZE = 0x746E6263, 2, 128
SETTINGS = 104  # sizeof(struct tnb_clock_settings)
SET, STATUS = 1, 3
NAMES = {0x100: "accepted", 0x101: "done", 0x102: "refused"}


def request(op, magic=MAGIC, version=VERSION, size=SIZE, more=b""):
    settings = struct.pack("=I", SETTINGS if op == SET else 0) + bytes(SETTINGS - 4)
    return struct.pack("=4I", magic, version, size, op) + bytes(8) + settings + more


def say(to, message, fds=()):
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
    to.sendmsg([message], rights if fds else [])


def connect(path=PATH):
    to = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    to.settimeout(20)
    to.connect(path)
    return to


def receive(to):
    try:
        return to.recv(4096)
    except ConnectionResetError:
        # It has closed without reading us; what it said comes now.
        return to.recv(4096)


def hear(to):
    while True:
        message = receive(to)
        if not message:
            print("closed", flush=True)
            return
        _, _, _, op, result = struct.unpack_from("=4Ii", message)
        text = message[24:].split(b"\0", 1)[0].decode()
        print(NAMES[op], result, text, flush=True)


def tell(how):
    root = os.open("/", os.O_RDONLY)
    messages = {
        "short": (request(SET)[:20], [root]),
        "tiny": (b"x", []),
        "long": (request(SET, more=bytes(8)), [root]),
        "version": (request(SET, version=VERSION + 1), [root]),
        "magic": (request(SET, magic=MAGIC + 1), [root]),
        "no-operation": (request(99), [root]),
        "no-cgroup": (request(SET), []),
        "two-cgroups": (request(SET), [root, root]),
        "not-a-cgroup": (request(SET), [root]),
        "status": (request(STATUS), []),
    }
    to = connect()
    try:
        if how != "nothing":
            say(to, *messages[how])
    except BrokenPipeError:
        print("did not hear", flush=True)
    hear(to)


def hang(count):
    """Connections that say nothing, held until our input is closed."""
    all_of_them = [connect() for _ in range(count)]
    print("connected", flush=True)
    sys.stdin.read()
    del all_of_them


if __name__ == "__main__":
    if sys.argv[1] == "hang":
        hang(int(sys.argv[2]))
    else:
        tell(sys.argv[1])
