"""Sockets at their edges: reads of nothing, names that fail, SO_PEEK_OFF, disconnecting, options of odd values and lengths."""
import array
import ctypes
import errno
import os
import select
import signal
import socket
import struct

signal.alarm(40)
SO_BUF_LOCK, SO_MAX_PACING_RATE, SO_BINDTOIFINDEX, SO_BSDCOMPAT = 72, 47, 62, 14
SOL_TCP, SOL_IP, SOL_IPV6 = 6, 0, 41


def report(name, call):
    try:
        print(name, call())
    except OSError as error:
        print(name, errno.errorcode[error.errno])


def events(sock):
    poll = select.poll()
    poll.register(sock, 0x3FFF & ~select.POLLNVAL)
    ready = poll.poll(0)
    return hex(ready[0][1]) if ready else 0


def rights(sock, size, flags=socket.MSG_DONTWAIT):
    data, control, told, _ = sock.recvmsg(size, 64, flags)
    files = array.array("i", b"".join(c[2] for c in control if c[1] == socket.SCM_RIGHTS))
    for fd in files:
        os.close(fd)
    return data, len(files), told


def connection():
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    return client, listener.accept()[0]


for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    print("unix", int(kind))
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    b.settimeout(0)
    a.sendmsg([b"file"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
    report("rights with no bytes", lambda: rights(b, 0))
    report("rights after that", lambda: rights(b, 9))
    a.send(b"early")
    b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    credentials = b.recvmsg(9, 64)[1][0][2]
    print("credentials not asked for", struct.unpack("3i", credentials)[0] in (0, os.getpid()), struct.unpack("3i", credentials)[0] != 0)
    b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
    b.setsockopt(socket.SOL_SOCKET, 42, 0)
    a.send(b"abcdef")
    a.send(b"ghi")
    for size in (2, 3, 9, 9):
        report("peek", lambda: b.recv(size, socket.MSG_PEEK))
    print("offset", b.getsockopt(socket.SOL_SOCKET, 42))
    report("read", lambda: b.recv(2))
    print("offset", b.getsockopt(socket.SOL_SOCKET, 42))
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 5000)
    print("locked", a.getsockopt(socket.SOL_SOCKET, SO_BUF_LOCK), b.getsockopt(socket.SOL_SOCKET, SO_BUF_LOCK))
    first, second = socket.socket(socket.AF_UNIX, kind), socket.socket(socket.AF_UNIX, kind)
    report("autobind", lambda: first.bind(b""))
    name = first.getsockname()
    report("autobind again", lambda: (first.bind(b""), first.getsockname() == name))
    report("named already", lambda: first.bind("corner"))
    report("no file is left", lambda: (os.path.exists("corner"), second.bind("corner")))
    os.unlink("corner")

client, server = connection()
libc = ctypes.CDLL(None, use_errno=True)
print("disconnect", libc.connect(client.fileno(), bytes(16), 16), events(client))
report("who looks hears of it", lambda: client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
print("then no more", events(client), client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

listener = socket.create_server(("127.0.0.1", 0), backlog=0)
waiting = socket.create_connection(listener.getsockname())
for how in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
    late = socket.socket()
    late.setblocking(False)
    report("late", lambda: late.connect(listener.getsockname()))
    report("shutdown while connecting", lambda: late.shutdown(how))
    print(events(late), late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET)

tcp = socket.socket()
for option, values in (
    (8, (0, 1, -1, 60, 75000)),
    (9, (0, 1, 2, 5, 100, 1000, 75000, -1)),
    (17, (1, 2)),
    (34, (0, 1, 2)),
    (37, (5, -1)),
):
    for value in values:
        report(f"tcp {option} {value}", lambda: (tcp.setsockopt(SOL_TCP, option, value), tcp.getsockopt(SOL_TCP, option)))
for option, values in (
    (SO_MAX_PACING_RATE, (1, 0, -1)),
    (SO_BINDTOIFINDEX, (4711, 0, -1)),
    (SO_BSDCOMPAT, (1,)),
):
    for value in values:
        report(f"so {option} {value}", lambda: (tcp.setsockopt(1, option, value), tcp.getsockopt(1, option)))
report("stamps of a connection that is none", lambda: tcp.setsockopt(1, 37, 1 << 7))
for option in (2, 15, 19, 21, 34, 49, 51):
    report(f"ip {option} without a value", lambda: tcp.setsockopt(SOL_IP, option, b""))
for option in (26, 49):
    report(f"ip {option} 2", lambda: tcp.setsockopt(SOL_IP, option, 2))
six = socket.socket(socket.AF_INET6)
for value in (1, 0, 2, 3, 0x100, 0x404, 4):
    report(f"preference {value}", lambda: (six.setsockopt(SOL_IPV6, 72, value), hex(six.getsockopt(SOL_IPV6, 72))))
report("traffic class of TCP", lambda: (six.setsockopt(SOL_IPV6, 67, 0xFF), six.getsockopt(SOL_IPV6, 67)))
for option in (7, 16, 62, 66, 70, 71, 77, 79):
    report(f"ipv6 {option} of one byte", lambda: six.setsockopt(SOL_IPV6, option, b"\1"))

# An address of no bytes; addresses of a link; refusals of ports that are not the peer's.
for family, kind in ((socket.AF_UNIX, 1), (socket.AF_UNIX, 2), (socket.AF_INET, 1), (socket.AF_INET, 2), (socket.AF_INET6, 2), (16, 3)):
    sock = socket.socket(family, kind)
    sent = libc.sendto(sock.fileno(), b"x", 1, socket.MSG_NOSIGNAL, bytes(16), 0)
    print("no address", int(family), kind, errno.errorcode[ctypes.get_errno()] if sent < 0 else sent)
for group in (("ff02::5", 0), ("ff01::5", 0), ("ff05::5", 0), ("ff02::5", 0, 0, 1)):
    report(f"bind {group}", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).bind(group))
peer, sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.bind(("127.0.0.1", 0))
sock.connect(peer.getsockname())
closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
closed.bind(("127.0.0.1", 0))
port = closed.getsockname()
closed.close()
report("to a closed port", lambda: sock.sendto(b"x", port))
report("to the peer", lambda: sock.send(b"y"))
print(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

# Files without a name cannot be opened again; the dead have no mounts.
reading, writing = os.pipe()
os.write(writing, b"pipe")
print(os.read(os.open(f"/proc/self/fd/{reading}", os.O_RDONLY), 9))
for name, file in (("epoll", select.epoll()), ("socket", peer), ("eventfd", os.eventfd(0))):
    fd = file if isinstance(file, int) else file.fileno()
    report(name, lambda: os.open(f"/proc/self/fd/{fd}", os.O_RDONLY))
print(os.stat("/proc/self/fdinfo").st_size)
child = os.fork()
if child == 0:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
for name in ("mounts", "mountinfo", "mountstats"):
    report(name, lambda: open(f"/proc/{child}/{name}").read())
os.waitpid(child, 0)
