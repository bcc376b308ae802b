"""Types into a shell on a new terminal: argv is pairs of what to type and a regular expression to wait for.

"size ROWSxCOLUMNS" instead of a text changes the terminal's size; "job" waits until a job of the
shell has the terminal, which is a moment after the shell has said so.
"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

pid, terminal = pty.fork()
if pid == 0:
    os.environ["PS1"] = "host> "
    os.environ["TERM"] = "dumb"
    os.execv("/bin/bash", ["bash", "--norc", "--noprofile", "-i"])

seen = ""


def wait_for(pattern):
    global seen
    end = time.time() + 30
    while not re.search(pattern, seen):
        if not select.select([terminal], [], [], max(0, end - time.time()))[0]:
            sys.exit(f"waited for {pattern!r} in vain, saw {seen!r}")
        try:
            seen += os.read(terminal, 65536).decode("latin1").replace("\r", "")
        except OSError:
            sys.exit(f"the shell ended; waited for {pattern!r}, saw {seen!r}")


wait_for("host> $")
for typed, pattern in zip(sys.argv[1::2], sys.argv[2::2]):
    seen = ""
    size = re.fullmatch(r"size (\d+)x(\d+)", typed)
    if size:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(size[1]), int(size[2]), 0, 0))
    elif typed == "job":
        while os.tcgetpgrp(terminal) == pid:
            time.sleep(0.01)
    else:
        os.write(terminal, typed.encode("latin1").decode("unicode_escape").encode("latin1"))
    wait_for(pattern)
