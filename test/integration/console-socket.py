"""Takes a terminal's master from the socket PATH as containerd's shim does: TEXT typed on it, a resize to 33x77 at "resize", all that comes out printed."""
import array
import fcntl
import os
import select
import socket
import struct
import sys
import termios
import time

path, typed = sys.argv[1:3]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(path)
listener.listen(1)
listener.settimeout(50)
print("listening", flush=True)
connection, _ = listener.accept()
_, rights, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
master = array.array("i", rights[0][2][:4])[0]
os.write(master, typed.encode())
seen = b""
is_resized = False
end = time.time() + 50
while time.time() < end and select.select([master], [], [], 50)[0]:
    try:
        data = os.read(master, 4096)
    except OSError:
        break
    if not data:
        break
    seen += data
    sys.stdout.buffer.write(data.replace(b"\r", b""))
    sys.stdout.flush()
    if b"resize" in seen and not is_resized:
        is_resized = True
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
