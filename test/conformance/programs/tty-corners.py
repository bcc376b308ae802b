"""Terminals at their edges: lines that are too long, reads of nothing, flags per side, terminals that a session gets late."""
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time

TIOCGPTN, TIOCSPTLCK, TIOCGDEV, TIOCGEXCL = 0x80045430, 0x40045431, 0x80045432, 0x80045440
TIOCGPTPEER, TIOCGLCKTRMIOS = 0x5441, 0x5456
signal.alarm(40)


def report(name, call):
    try:
        print(name, call())
    except OSError as error:
        print(name, error.strerror)
    sys.stdout.flush()


def number(fd, command):
    return struct.unpack("i", fcntl.ioctl(fd, command, bytes(4)))[0]


def pair():
    master = os.open("/dev/ptmx", os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
    fcntl.ioctl(master, TIOCSPTLCK, bytes(4))
    return master, os.open(f"/dev/pts/{number(master, TIOCGPTN)}", os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)


def drain(fd, wanted):
    data, end = b"", time.time() + 5
    while len(data) < wanted and time.time() < end:
        if select.select([fd], [], [], 0.2)[0]:
            data += os.read(fd, 10000)
    return data


def in_child(work):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        work()
        sys.stdout.flush()
        os._exit(0)
    return pid


for text, echoed in ((b"M" * 4099 + b"\n", 4101), (b"M" * 6000 + b"ab\n", 6004)):
    master, slave = pair()
    os.write(master, text)
    echo, line = drain(master, echoed), drain(slave, 4096)
    print("too long", len(echo), echo[-4:], len(line), line[-4:])

master, slave = pair()
report("nothing read, slave", lambda: os.read(slave, 0))
report("nothing read, master", lambda: os.read(master, 0))
fcntl.ioctl(master, termios.TIOCEXCL)
print("exclusive", number(master, TIOCGEXCL), number(slave, TIOCGEXCL))
print("device", os.major(number(master, TIOCGDEV)), os.major(number(slave, TIOCGDEV)))
report("peer of the slave", lambda: fcntl.ioctl(slave, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY))
report("locked modes", lambda: fcntl.ioctl(slave, TIOCGLCKTRMIOS, b"x" * 40))
print("blocks", os.fstat(slave).st_blksize, os.stat("/dev/pts").st_blksize, os.stat("/proc/self/status").st_blksize)


def session():
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    master, slave = pair()
    go, told = os.pipe(), os.pipe()
    has_terminal = lambda: open("/proc/self/stat").read().split()[6] != "0"

    def early():
        os.read(go[0], 1)
        report("forked before: /dev/tty", lambda: os.open("/dev/tty", os.O_RDWR) > 0)
        report("forked before: group", lambda: os.tcgetpgrp(slave))
        print("forked before: stat", has_terminal())
        sys.stdout.flush()
        os.write(told[1], b"x")

    def later():
        report("forked after: /dev/tty", lambda: os.open("/dev/tty", os.O_RDWR) > 0)
        report("forked after: given up", lambda: fcntl.ioctl(slave, termios.TIOCNOTTY))
        print("forked after: stat", has_terminal())
        os.waitpid(in_child(lambda: report("its child: /dev/tty", lambda: os.open("/dev/tty", os.O_RDWR) > 0)), 0)

    first = in_child(early)
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    os.write(go[1], b"x")
    os.read(told[0], 1)
    os.waitpid(first, 0)
    os.waitpid(in_child(later), 0)
    report("the leader: /dev/tty", lambda: os.open("/dev/tty", os.O_RDWR) > 0)


os.waitpid(in_child(session), 0)
