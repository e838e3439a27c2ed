# SPDX-License-Identifier: GPL-2.0-or-later
"""notify.py SOCKET: what a service tells systemd by NOTIFY_SOCKET, one line
each, behind the seconds since we began."""

import socket
import sys
import time

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
began = time.monotonic()
while True:
    for line in listener.recv(4096).decode().splitlines():
        print(f"{time.monotonic() - began:.2f}", line, flush=True)
