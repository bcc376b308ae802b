"""Options of sockets of the sandbox's own loopback: those that a host's sockets may not have set (sentry/net/host/options.ts)."""
import errno
import socket

SO_RESERVE_MEM, SO_BUSY_POLL_BUDGET = 73, 70
IP_OPTIONS = 4


def report(name, call):
    try:
        print(name, call())
    except OSError as error:
        print(name, errno.errorcode[error.errno])


tcp = socket.socket()
for option in (SO_RESERVE_MEM, SO_BUSY_POLL_BUDGET):
    report(f"so {option} -1", lambda: tcp.setsockopt(socket.SOL_SOCKET, option, -1))
for value in (b"", b"\1", b"\1\1\1\0\7", b"\x99", b"\1" * 41):
    report("ip options", lambda: (tcp.setsockopt(socket.SOL_IP, IP_OPTIONS, value), tcp.getsockopt(socket.SOL_IP, IP_OPTIONS, 60)))
