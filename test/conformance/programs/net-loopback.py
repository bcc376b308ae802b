"""The loopback device of a new network namespace, told by netlink(7) and netdevice(7): flags, addresses, names and what can be reached."""
import ctypes
import errno
import fcntl
import os
import socket
import struct
import time

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 16, 17, 18, 20, 21, 22
REQUEST, ACK, EXCL, CREATE, REPLACE, DUMP = 1, 4, 0x200, 0x400, 0x100, 0x300
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCGIFMTU, SIOCSIFMTU = 0x8913, 0x8914, 0x8921, 0x8922
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
UP = 1

if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0:
    raise SystemExit("unshare: " + os.strerror(ctypes.get_errno()))

route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
sequence = 0


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def ask(kind, flags, body):
    """The answers' payloads, or the name of an errno."""
    global sequence
    sequence += 1
    route.send(struct.pack("=IHHII", 16 + len(body), kind, flags | REQUEST, sequence, 0) + body)
    found = []
    while True:
        data = route.recv(65536)
        while data:
            length, answer, _, number, _ = struct.unpack_from("=IHHII", data)
            assert number == sequence
            if answer == 2:
                error = struct.unpack_from("=i", data, 16)[0]
                return errno.errorcode[-error] if error else "ok"
            if answer == 3:
                return found
            found.append(data[16:length])
            data = data[(length + 3) & ~3:]


def link(flags, change=0xFFFFFFFF, *attributes, kind=RTM_NEWLINK, mode=ACK, index=1):
    return ask(kind, mode, struct.pack("=BBHiII", 0, 0, 0, index, flags, change) + b"".join(attributes))


def address(kind, text, prefix, mode=None, index=1):
    if mode is None:
        mode = ACK | CREATE | EXCL if kind == RTM_NEWADDR else ACK
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    packed = socket.inet_pton(family, text)
    scope = 254 if text.startswith("127.") else 0
    body = struct.pack("=BBBBi", family, prefix, 0, scope, index) + attribute(2, packed) + attribute(1, packed)
    return ask(kind, mode, body)


def attributes_of(payload, start):
    found = {}
    while start + 4 <= len(payload):
        length, kind = struct.unpack_from("=HH", payload, start)
        found[kind] = payload[start + 4:start + length]
        start += (length + 3) & ~3
    return found


def show():
    (payload,) = ask(RTM_GETLINK, DUMP, struct.pack("=BBHiII", 0, 0, 0, 0, 0, 0))
    flags = struct.unpack_from("=I", payload, 8)[0]
    told = attributes_of(payload, 16)
    queue = told[6].rstrip(b"\0").decode()
    print("  link", told[3].rstrip(b"\0").decode(), hex(flags), struct.unpack("=I", told[4])[0], queue, "operstate", told[16][0])
    for payload in ask(RTM_GETADDR, DUMP, struct.pack("=BBBBi", 0, 0, 0, 0, 0)):
        family, prefix, flags, scope, _ = struct.unpack_from("=BBBBi", payload)
        print("  address", socket.inet_ntop(family, attributes_of(payload, 8)[1]), prefix, hex(flags), scope)


def settle():
    """Waits until no IPv6 address is tentative (IFA_F_TENTATIVE): the host looks for duplicates in the background."""
    for _ in range(300):
        if not any(payload[2] & 0x40 for payload in ask(RTM_GETADDR, DUMP, struct.pack("=BBBBi", 0, 0, 0, 0, 0))):
            return
        time.sleep(0.01)


def attempt(what, text):
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    with socket.socket(family) as sock:
        try:
            what(sock, (text, 9 if what is socket.socket.connect else 0))
            result = "ok"
        except OSError as error:
            result = errno.errorcode[error.errno]
    print(" ", what.__name__, text, result)


def source(text):
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((text, 9))
        print("  source for", text, sock.getsockname()[0])


def ioctl(command, value):
    try:
        answer = fcntl.ioctl(route, command, struct.pack("=16si20x", b"lo", value))
        return struct.unpack_from("=i", answer, 16)[0]
    except OSError as error:
        return errno.errorcode[error.errno]


def both(text):
    attempt(socket.socket.connect, text)
    attempt(socket.socket.bind, text)


print("a new namespace")
show()
both("127.0.0.1")
both("::1")
print("addresses of a device that is down")
print(address(RTM_NEWADDR, "10.1.2.3", 24))
show()
print("up", link(UP, UP))
show()
for text in ("127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "10.1.2.77", "10.1.3.1", "fd00::5"):
    both(text)
print("more addresses")
print(address(RTM_NEWADDR, "127.0.0.1", 8), address(RTM_NEWADDR, "10.1.2.3", 24), address(RTM_NEWADDR, "10.1.2.3", 24, ACK | CREATE | REPLACE))
print(address(RTM_NEWADDR, "10.1.2.4", 24), address(RTM_NEWADDR, "fd00::5", 64), address(RTM_NEWADDR, "fd00::5", 64))
settle()
print(address(RTM_DELADDR, "10.9.9.9", 32), address(RTM_NEWADDR, "1.2.3.4", 33), address(RTM_NEWADDR, "1.2.3.4", 8, index=77))
print(address(RTM_NEWADDR, "ff00::1", 64), address(RTM_NEWADDR, "::", 64), address(RTM_DELADDR, "fd00::6", 64))
show()
for text in ("10.1.2.3", "10.1.2.77", "127.0.0.9", "fd00::5", "::1"):
    source(text)
print("the first of a subnet goes", address(RTM_DELADDR, "10.1.2.3", 24))
show()
both("10.1.2.4")
print(address(RTM_DELADDR, "fd00::5", 64, ACK | EXCL), address(RTM_NEWADDR, "10.7.7.7", 32), address(RTM_NEWADDR, "10.6.6.6", 31))
print("sizes and names")
print(link(0, 0, attribute(4, struct.pack("=I", 1500))), link(0, 0, attribute(3, b"foo/bar\0")), link(0, 0, attribute(3, b"loop\0")))
show()
print(link(0, 0, attribute(3, b"lo\0")), link(0, 0, attribute(3, b"none\0"), index=0), link(0, 0, index=7), link(0, 0, index=0))
print(link(0, 0, attribute(3, b"d0\0"), attribute(18, attribute(1, b"nosuch")), mode=ACK | CREATE | EXCL, index=0))
print(link(0, 0, kind=RTM_DELLINK), link(0, 0, attribute(28, struct.pack("=I", route.fileno()))))
print("ioctl", hex(ioctl(SIOCGIFFLAGS, 0)), ioctl(SIOCGIFMTU, 0), ioctl(SIOCSIFMTU, 2000), ioctl(SIOCGIFMTU, 0), ioctl(SIOCSIFMTU, -1))
print("down", ioctl(SIOCSIFFLAGS, 0))
show()
print("up", ioctl(SIOCSIFFLAGS, UP))
show()
both("::1")
print("without the capability")
libc = ctypes.CDLL(None, use_errno=True)
libc.capset(struct.pack("=Ii", 0x20080522, 0), bytes(24))
print(link(0, UP), address(RTM_NEWADDR, "10.1.2.3", 24), ioctl(SIOCSIFFLAGS, 0), hex(ioctl(SIOCGIFFLAGS, 0)))
