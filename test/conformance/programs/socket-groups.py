"""Multicast groups that sockets have joined on lo, as /proc/net/igmp and igmp6 list them."""
import errno
import socket
import struct


def attempt(what, call, *arguments):
    try:
        call(*arguments)
        print(what, "ok")
    except OSError as error:
        print(what, errno.errorcode[error.errno])


def show(what):
    print(what)
    with open("/proc/net/igmp") as file:
        of_lo = False
        for line in file:
            if not line.startswith("\t"):
                of_lo = line.split()[1] in ("lo", "Device")
            if of_lo:
                print(line, end="")
    with open("/proc/net/igmp6") as file:
        for line in file:
            if line.split()[1] == "lo":
                print(line, end="")


def group4(address, via="127.0.0.1"):
    return socket.inet_aton(address) + socket.inet_aton(via)


def group6(address, index=1):
    return socket.inet_pton(socket.AF_INET6, address) + struct.pack("i", index)


show("at first")
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
for group in ("224.0.0.254", "239.1.2.3", "224.0.0.1", "239.1.2.3", "10.0.0.1"):
    attempt(group, udp.setsockopt, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group4(group))
attempt("the other", other.setsockopt, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group4("239.1.2.3"))
attempt("a stream", stream.setsockopt, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group4("239.1.2.4"))
for group in ("ff01::114", "ff02::114", "ff0e::114", "ff02::1", "ff02::114", "::1"):
    attempt(group, udp6.setsockopt, socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group6(group))
show("joined")
attempt("leave", udp.setsockopt, socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group4("239.1.2.3"))
attempt("leave again", udp.setsockopt, socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group4("239.1.2.3"))
attempt("leave", udp6.setsockopt, socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, group6("ff02::114"))
attempt("leave again", udp6.setsockopt, socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, group6("ff02::114"))
show("left")
udp.close()
other.close()
udp6.close()
show("closed")
