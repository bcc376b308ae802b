"""sock_diag(7): what ss(8) asks of TCP, UDP and unix sockets, with filter programs, one socket at a time, and what is refused."""
import ctypes
import errno
import fcntl
import os
import socket
import struct
import tempfile
import time

libc = ctypes.CDLL(None, use_errno=True)
assert libc.unshare(0x10000000 | 0x40000000) == 0  # CLONE_NEWUSER | CLONE_NEWNET
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS

BY_FAMILY, REQUEST, ACK, DUMP = 20, 1, 4, 0x300
NO_COOKIE = b"\xff" * 8


def ask(payload, flags=REQUEST | DUMP, kind=BY_FAMILY):
    """The answers as (type, payload)."""
    answers = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as link:
        link.settimeout(10)
        link.send(struct.pack("IHHII", 16 + len(payload), kind, flags, 7, 0) + payload)
        while True:
            data = link.recv(65536)
            while data:
                length, what, _, sequence, _ = struct.unpack_from("IHHII", data)
                assert sequence == 7
                if what == 3:
                    code = -struct.unpack_from("i", data, 16)[0]
                    if code:
                        answers.append(("error", "at the end: " + errno.errorcode.get(code, code)))
                    return answers
                if what == 2:
                    code = -struct.unpack_from("i", data, 16)[0]
                    answers.append(("error", errno.errorcode.get(code, code)))
                    return answers
                answers.append((what, data[16:length]))
                data = data[(length + 3) & ~3:]
            if not flags & DUMP:
                return answers


def attributes(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("HH", data)
        found[kind] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def inet_request(family, protocol, states=0xFFFFFFFF, ext=0, sport=0, dport=0, source=b"", target=b"", cookie=NO_COOKIE, code=None):
    ident = struct.pack(">HH", sport, dport) + source.ljust(16, b"\0") + target.ljust(16, b"\0") + bytes(4) + cookie
    request = struct.pack("BBBBI", family, protocol, ext, 0, states) + ident
    return request if code is None else request + struct.pack("HH", len(code) + 4, 1) + code


STATES = {1: "ESTAB", 2: "SYN-SENT", 4: "FIN-WAIT", 5: "FIN-WAIT", 6: "TIME-WAIT", 7: "UNCONN", 8: "CLOSE-WAIT", 10: "LISTEN"}


def show_inet(title, answers):
    print(title)
    lines = []
    for what, data in answers:
        if what == "error":
            lines.append(f"  error {data}")
            continue
        family, state, timer, _ = struct.unpack_from("BBBB", data)
        sport, dport = struct.unpack_from(">HH", data, 4)
        size = 4 if family == socket.AF_INET else 16
        local = socket.inet_ntop(family, data[8:8 + size])
        remote = socket.inet_ntop(family, data[24:24 + size])
        interface, = struct.unpack_from("I", data, 40)
        received, sent, uid, inode = struct.unpack_from("IIII", data, 56)
        found = attributes(data[72:])
        shown = {kind: value.hex() for kind, value in found.items() if kind in (5, 6, 8, 11, 15)}
        lines.append(f"  {STATES[state]} {received} {sent if state != 7 else 0} {local}:{sport} {remote}:{dport} on {interface} timer {timer if state == 6 else 0} "
                     f"uid {uid} {names.get(inode, 'none' if inode == 0 else 'other')} {shown} memory {7 in found} info {len(found.get(2, b'')) >= 200} "
                     f"congestion {4 in found}")
    print("\n".join(sorted(lines)))


names = {}


def known(name, sock):
    names[os.fstat(sock.fileno()).st_ino] = name
    return sock


listener = known("listener", socket.socket())
listener.bind(("127.0.0.1", 7001))
listener.listen(5)
listener6 = known("listener6", socket.socket(socket.AF_INET6))
listener6.bind(("::", 7002))
listener6.listen(7)
one = known("one", socket.socket())
one.bind(("127.0.0.1", 7003))
one.connect(("127.0.0.1", 7001))
accepted = known("accepted", listener.accept()[0])
one.send(b"x" * 100)
accepted.send(b"hello")
waiting = known("waiting", socket.socket())
waiting.bind(("127.0.0.1", 7004))
waiting.connect(("127.0.0.1", 7001))
six = known("six", socket.socket(socket.AF_INET6))
six.bind(("::1", 7005))
six.connect(("::1", 7002))
six_accepted = known("six accepted", listener6.accept()[0])
six.close()
time.sleep(0.5)  # until its FIN is acknowledged
bound = known("bound", socket.socket())
bound.bind(("127.0.0.1", 7009))
udp = known("udp", socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
udp.bind(("127.0.0.1", 7006))
udp_connected = known("udp connected", socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
udp_connected.bind(("127.0.0.1", 7007))
udp_connected.connect(("127.0.0.1", 7006))
udp6 = known("udp6", socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
udp6.bind(("::1", 7008))

for family in (socket.AF_INET, socket.AF_INET6):
    show_inet(f"tcp {family}", ask(inet_request(family, 6)))
    show_inet(f"udp {family}", ask(inet_request(family, 17)))
show_inet("all there is to tell", ask(inet_request(socket.AF_INET, 6, ext=0x7F, sport=7003)))
show_inet("listeners", ask(inet_request(socket.AF_INET, 6, states=1 << 10)))
show_inet("to 7001", ask(inet_request(socket.AF_INET, 6, dport=7001)))


def op(code, yes, no, argument=b""):
    return struct.pack("BBH", code, yes, no) + argument


def port_op(code, port, no):
    return op(code, 8, no, struct.pack("BBH", 0, 0, port))


def condition(code, family, bits, port, address, no):
    body = struct.pack("BBHi", family, bits, 0, port) + address
    return op(code, 4 + len(body), no, body)


here = socket.inet_aton("127.0.0.0")
programs = {
    "empty": b"",
    "source port 7003": port_op(11, 7003, 12),
    "source port at least 7003": port_op(2, 7003, 12),
    "target port at most 7003": port_op(5, 7003, 12),
    "net 127/8": condition(7, socket.AF_INET, 8, -1, here, 20),
    "net 127/8 port 7001": condition(8, socket.AF_INET, 8, 7001, here, 20),
    "any family port 7001": condition(7, 0, 0, 7001, b"", 16),
    "either": port_op(11, 7003, 12) + op(1, 4, 12) + port_op(12, 7003, 12),
    "chosen by the kernel": op(6, 4, 8),
    "on an interface": op(9, 8, 12, struct.pack("I", 1)),
    "mark": op(10, 12, 16, struct.pack("II", 1, 1)),
    "unknown": op(99, 4, 8),
    "odd": op(6, 5, 8),
    "too short": op(6, 4, 4 + 1),
    "into the middle": port_op(11, 1, 4) + op(0, 4, 0),
    "backwards": op(0, 0, 0),
    "too many bits": condition(7, socket.AF_INET, 33, -1, here, 20),
    "cut off": b"\x0b",
}
for name, code in programs.items():
    show_inet(f"filter: {name}", ask(inet_request(socket.AF_INET, 6, states=0xFFF & ~(1 << 6), code=code)))

loopback = socket.inet_aton("127.0.0.1")
show_inet("one connection", ask(inet_request(socket.AF_INET, 6, sport=7003, dport=7001, source=loopback, target=loopback), REQUEST))
show_inet("one listener", ask(inet_request(socket.AF_INET, 6, sport=7001, source=loopback), REQUEST))
show_inet("none", ask(inet_request(socket.AF_INET, 6, sport=7099, source=loopback), REQUEST))
show_inet("another's cookie", ask(inet_request(socket.AF_INET, 6, sport=7001, source=loopback, cookie=b"\1" * 8), REQUEST))
show_inet("short", ask(inet_request(socket.AF_INET, 6)[:40]))
show_inet("no such protocol", ask(inet_request(socket.AF_INET, 199)))
show_inet("no such family", ask(struct.pack("BB", 7, 0) + bytes(54)))
show_inet("beyond all families", ask(struct.pack("BB", 99, 0) + bytes(54)))
show_inet("no such request", ask(inet_request(socket.AF_INET, 6), kind=30))

os.chdir(tempfile.mkdtemp())
names.clear()
path = known("listener", socket.socket(socket.AF_UNIX))
path.bind("socket")
path.listen(3)
client = known("client", socket.socket(socket.AF_UNIX))
client.connect("socket")
datagram = known("datagram", socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
datagram.bind("\0diag")
pair = [known("left", None or socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)[0])]
left, right = socket.socketpair()
known("first", left)
known("second", right)
left.send(b"abc")
right.shutdown(socket.SHUT_WR)


def unix_request(states=0xFFFFFFFF, ino=0, show=0x7F, cookie=NO_COOKIE):
    return struct.pack("BBHIII", socket.AF_UNIX, 0, 0, states, ino, show) + cookie


def show_unix(title, answers):
    print(title)
    lines = []
    for what, data in answers:
        if what == "error":
            lines.append(f"  error {data}")
            continue
        _, kind, state, _, inode = struct.unpack_from("BBBBI", data)
        found = attributes(data[16:])
        peer = struct.unpack("I", found[2])[0] if 2 in found else -1
        place = struct.unpack("II", found[1])[0] == os.stat("socket").st_ino & 0xFFFFFFFF if 1 in found else None
        icons = [names.get(ino) for ino in struct.unpack(f"{len(found[3]) // 4}I", found[3])] if 3 in found else None
        queues = struct.unpack("II", found[4]) if 4 in found else None
        lines.append(f"  {names.get(inode, 'other')} type {kind} {STATES[state]} name {found.get(0)} peer {names.get(peer, peer if peer < 1 else 'other')} "
                     f"place {place} waiting {icons} queue {queues and queues[0]} "
                     f"backlog {queues[1] if queues and state == 10 else None} shutdown {found[6].hex()} uid {found.get(7, b'').hex()} memory {5 in found}")
    print("\n".join(sorted(lines)))


show_unix("unix", ask(unix_request()))
show_unix("nothing asked", ask(unix_request(show=0)))
show_unix("listening", ask(unix_request(states=1 << 10, show=1)))
show_unix("by number", ask(unix_request(ino=os.fstat(client.fileno()).st_ino), REQUEST))
show_unix("without a number", ask(unix_request(), REQUEST))
show_unix("no such number", ask(unix_request(ino=0xFFFFFFF0), REQUEST))
show_unix("another's cookie", ask(unix_request(ino=os.fstat(client.fileno()).st_ino, cookie=b"\1" * 8), REQUEST))
show_unix("short", ask(unix_request()[:16]))

many = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(200)]
for index, sock in enumerate(many):
    sock.bind(("127.0.0.1", 20000 + index))
print("many:", len(ask(inet_request(socket.AF_INET, 17))))
