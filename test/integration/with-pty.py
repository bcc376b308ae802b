"""Runs ARGV on a new pseudoterminal of 24x80; prints what comes out and ends with its status."""
import fcntl
import os
import pty
import struct
import sys
import termios

import pty_output

pid, master = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
pty_output.copy(master)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
