"""Raw and ping sockets of a network of the program's own: what they see, write, filter and refuse (raw(7), icmp(7))."""
import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
import sys
import termios

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40
IP_HDRINCL, ICMP_FILTER, ICMP6_FILTER, IPV6_CHECKSUM, SOL_RAW, SOL_ICMPV6, SOL_IPV6 = 3, 1, 1, 7, 255, 58, 41
signal.alarm(40)
uid, gid = os.getuid(), os.getgid()
if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0:
    raise SystemExit("unshare: " + os.strerror(ctypes.get_errno()))
for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
    with open(f"/proc/self/{name}", "w") as file:
        file.write(text)
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP | IFF_RUNNING))
with open("/proc/sys/net/ipv4/ping_group_range", "w") as file:
    file.write("0 0")


def report(name, call):
    try:
        print(name, call())
    except socket.timeout:
        print(name, "nothing")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
    sys.stdout.flush()


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo(kind, identifier, sequence, data=b"hi"):
    message = struct.pack("!BBHHH", kind, 0, 0, identifier, sequence) + data
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def opened(family, kind, protocol):
    sock = socket.socket(family, kind, protocol)
    sock.settimeout(2)
    return sock


for family, home, anything, protocol, request in (
    (socket.AF_INET, "127.0.0.1", "0.0.0.0", 1, 8),
    (socket.AF_INET6, "::1", "::", 58, 128),
):
    header = 20 if family == socket.AF_INET else 0
    print("ping", int(family))
    first = opened(family, socket.SOCK_DGRAM, protocol)
    report("reuse", lambda: first.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))
    first.bind((home, 4321))
    first.sendto(echo(request, 1, 7), (home, 0))
    report("answer", lambda: (lambda data, sender: (data[0], data[4:], sender[0]))(*first.recvfrom(99)))
    second = opened(family, socket.SOCK_DGRAM, protocol)
    report("the same identifier", lambda: second.bind((home, 4321)))
    first.sendto(echo(request, 1, 8), (home, 0))
    report("the latest gets the answers", lambda: second.recv(99)[4:])
    for group in ("224.0.0.1", "255.255.255.255") if family == socket.AF_INET else ("ff05::1",):
        report("bind " + group, lambda: opened(family, socket.SOCK_DGRAM, protocol).bind((group, 0)))
    report("FIONREAD", lambda: fcntl.ioctl(first, termios.FIONREAD, bytes(4)))
    first.connect((home, 0))
    report("peer", lambda: first.getpeername())

    print("raw", int(family))
    raw = opened(family, socket.SOCK_RAW, protocol)
    raw.sendto(echo(request, 5, 5), (home, 0))
    for _ in range(2):
        report("echo", lambda: (lambda data, sender: (len(data), data[header], sender[1]))(*raw.recvfrom(99)))
    if family == socket.AF_INET:
        raw.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", ~1 & 0xFFFFFFFF))
    else:
        wanted = bytearray(b"\xff" * 32)
        wanted[129 >> 3] &= ~(1 << (129 & 7))
        raw.setsockopt(SOL_ICMPV6, ICMP6_FILTER, bytes(wanted))
        report("filter", lambda: raw.getsockopt(SOL_ICMPV6, ICMP6_FILTER, 32) == bytes(wanted))
        report("checksum", lambda: raw.getsockopt(SOL_IPV6, IPV6_CHECKSUM))
        report("checksum elsewhere", lambda: raw.setsockopt(SOL_IPV6, IPV6_CHECKSUM, 4))
    raw.sendto(echo(request, 5, 6), (home, 0))
    report("answers only", lambda: raw.recv(99)[header])
    raw.settimeout(0)
    report("no more", lambda: raw.recv(99)[header])
    raw.connect((home, 0))
    report("peer", lambda: raw.getpeername())

    udp, datagrams, sender = opened(family, socket.SOCK_RAW, 17), opened(family, socket.SOCK_DGRAM, 0), opened(family, socket.SOCK_DGRAM, 0)
    datagrams.bind((home, 0))
    sender.bind((home, 0))
    sender.sendto(b"raw udp", datagrams.getsockname())
    packet, source = udp.recvfrom(99)
    ports = struct.unpack_from("!HH", packet, header)
    print("UDP seen", len(packet) - header, packet[-7:], source[1], ports == (sender.getsockname()[1], datagrams.getsockname()[1]))
    datagrams.recv(99)
    if family == socket.AF_INET6:
        report("odd checksum", lambda: udp.setsockopt(SOL_IPV6, IPV6_CHECKSUM, 3))
        udp.setsockopt(SOL_IPV6, IPV6_CHECKSUM, 6)
        report("checksum", lambda: udp.getsockopt(SOL_IPV6, IPV6_CHECKSUM))
    report("UDP written", lambda: udp.sendto(struct.pack("!HHHH", 1111, ports[1], 11, 0) + b"abc", (home, 0)))
    report("UDP read", lambda: (lambda data, source: (data, source[1]))(*datagrams.recvfrom(99)))

    if family == socket.AF_INET:
        own, other = opened(family, socket.SOCK_RAW, 253), opened(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        report("a header of one's own", lambda: (own.getsockopt(0, IP_HDRINCL), other.getsockopt(0, IP_HDRINCL)))
        for size in (65515, 65516):
            report(f"{size} bytes", lambda: own.sendto(bytes(size), (home, 0)))
        own.recv(70000)
        whole = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 9, 253, 0, socket.inet_aton(home), socket.inet_aton(home)) + b"payload"
        report("written", lambda: other.sendto(whole, (home, 0)))
        report("read", lambda: (lambda data: (data[8], data[9], data[20:]))(own.recv(99)))
        report("too short", lambda: other.sendto(whole[:10], (home, 0)))

# Addresses that come and go are told to whom listens (rtnetlink(7)).
RTM_NEWADDR, RTM_DELADDR, RTMGRP_LINK, RTMGRP_IPV4_IFADDR = 20, 21, 1, 0x10
changer, listener, other = (socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) for _ in range(3))
changer.bind((0, 0))
listener.bind((0, RTMGRP_IPV4_IFADDR))
other.bind((0, RTMGRP_LINK))
for sock in (listener, other):
    sock.settimeout(1)
address = socket.inet_aton("10.1.2.3")
body = struct.pack("=BBBBI", socket.AF_INET, 24, 0, 0, 1) + b"".join(struct.pack("=HH", 8, kind) + address for kind in (1, 2))
for kind, flags in ((RTM_NEWADDR, 0x605), (RTM_NEWADDR, 0x605), (RTM_DELADDR, 5), (RTM_DELADDR, 5)):
    changer.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 7, 0) + body)
    print("answer", struct.unpack_from("=i", changer.recv(999), 16)[0])
for _ in range(2):
    data, _, _, sender = listener.recvmsg(9000)
    _, kind, flags, sequence, port = struct.unpack_from("=IHHII", data)
    print("news", kind, flags, sequence, port == changer.getsockname()[0], data[16:32], sender)
other.settimeout(0)
report("another group", lambda: other.recv(99))
listener.settimeout(0)
report("no more news", lambda: listener.recv(99))
