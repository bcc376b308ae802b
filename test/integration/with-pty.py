"""Runs ARGV on a new pseudoterminal of 24x80; prints what comes out and ends with its status."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

pid, master = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
end = time.time() + 50
while time.time() < end and select.select([master], [], [], 50)[0]:
    try:
        data = os.read(master, 4096)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data.replace(b"\r", b""))
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
