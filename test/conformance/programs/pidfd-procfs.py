#!/usr/bin/python3
# pidfd_send_signal(2) through an open /proc/PID; files that only look like it.
import errno
import os
import signal

SYS_pidfd_send_signal = 424


def send(fd, sig):
    try:
        signal.pidfd_send_signal(fd, sig)
        return "sent"
    except OSError as error:
        return errno.errorcode[error.errno]


signal.signal(signal.SIGUSR1, lambda number, frame: print("got", number, flush=True))
own = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
print("self:", send(own, signal.SIGUSR1))
print("signal 0:", send(own, 0))
for name in ("/proc", "/proc/self/fd", "/proc/self/task/%d" % os.getpid(), "/proc/self/stat", "/"):
    fd = os.open(name, os.O_RDONLY)
    print("other:", send(fd, 0))
    os.close(fd)
print("O_PATH:", send(os.open("/proc/self", os.O_PATH), 0))
print("closed:", send(999, 0))

child = os.fork()
if child == 0:
    signal.pause()
directory = os.open("/proc/%d" % child, os.O_RDONLY)
print("child:", send(directory, signal.SIGKILL))
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print("zombie:", send(directory, 0))
print("status", os.waitpid(child, 0)[1])
print("reaped:", send(directory, 0))
