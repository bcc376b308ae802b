"""What comes out of a terminal's master, for the programs beside this file."""
import os
import select
import sys
import time


def copy(master, heard=lambda data: None):
    """To standard output, without carriage returns, until the other side is closed or 50 seconds are over."""
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
        heard(data)
