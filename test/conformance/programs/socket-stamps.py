#!/usr/bin/env python3
"""SO_TIMESTAMPING: the time when a datagram came, in software."""
import errno
import socket
import struct
import time

SO_TIMESTAMP, SO_TIMESTAMPING = 29, 37
RX_SOFTWARE, SOFTWARE, OPT_ID, OPT_ID_TCP = 1 << 3, 1 << 4, 1 << 7, 1 << 16


def show(family, address, options):
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    receiver.bind((address, 0))
    for name, value in options:
        receiver.setsockopt(socket.SOL_SOCKET, name, value)
    sender = socket.socket(family, socket.SOCK_DGRAM)
    sender.sendto(b"data", receiver.getsockname())
    data, control, flags, _ = receiver.recvmsg(100, 200)
    found = []
    for level, kind, value in control:
        words = struct.unpack("=%dq" % (len(value) // 8), value)
        near = abs(words[0] - time.time()) < 60
        found.append((level, kind, len(value), near, words[2:]))
    print(options, data, flags, found)
    receiver.close()
    sender.close()


# A kernel begins to note when packets come some time after the first socket has asked; from then on, for as long as one asks.
keeper = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
keeper.bind(("127.0.0.1", 0))
keeper.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, SOFTWARE | RX_SOFTWARE)
for _ in range(500):
    keeper.sendto(b"x", keeper.getsockname())
    if keeper.recvmsg(10, 200)[1]:
        break
    time.sleep(0.01)
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    show(family, address, [])
    show(family, address, [(SO_TIMESTAMPING, RX_SOFTWARE)])
    show(family, address, [(SO_TIMESTAMPING, SOFTWARE | RX_SOFTWARE)])
    show(family, address, [(SO_TIMESTAMP, 1), (SO_TIMESTAMPING, SOFTWARE | RX_SOFTWARE)])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for value in (SOFTWARE, 1 << 30, OPT_ID_TCP, 0):
    try:
        s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, value)
        print(s.getsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING))
    except OSError as error:
        print(errno.errorcode[error.errno])
