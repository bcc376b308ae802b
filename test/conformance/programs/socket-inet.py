"""TCP and UDP over loopback: connection states, errors, options, half close, big transfers, urgent data."""
import errno, os, select, socket, struct, threading, time

def err(f, *a):
    try:
        r = f(*a)
        return r if isinstance(r, (int, bytes, type(None))) else "ok"
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))

def bits(s):
    p = select.poll(); p.register(s, select.POLLIN | select.POLLOUT | select.POLLRDHUP | select.POLLPRI)
    return dict(p.poll(0)).get(s.fileno(), 0)

S = lambda t=socket.SOCK_STREAM, f=socket.AF_INET: socket.socket(f, t)
for f, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    print(f.name)
    l = S(f=f); print("bind", err(l.bind, (host, 0)), "again", err(l.bind, (host, 0)))
    c = S(f=f); print("not listening", err(c.connect, l.getsockname()), bits(c))
    print("accept", err(l.accept)); l.listen(1); addr = l.getsockname()
    o = S(f=f); print("in use", err(o.bind, addr)); o.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); print("in use, reuse", err(o.bind, addr))
    c = S(f=f); print("unconnected", err(c.send, b"x"), err(c.recv, 1), err(c.getpeername), bits(c))
    print("connect", err(c.connect, addr), "again", err(c.connect, addr), "poll", bits(c), bits(l))
    s, peer = l.accept(); print("peer", peer[0] == host, peer == c.getsockname(), c.getpeername() == addr)
    print("send", c.send(b"hello"), s.recv(2, socket.MSG_PEEK), s.recv(100), err(s.recv, 1, socket.MSG_DONTWAIT))
    c.shutdown(socket.SHUT_WR); time.sleep(0.02)
    print("half closed", bits(s), s.recv(10), err(c.send, b"x"), s.send(b"reply"), c.recv(10), bits(c))
    s.close(); time.sleep(0.02); print("closed", bits(c), c.recv(10), err(c.shutdown, socket.SHUT_RD))
    c.close()
    c = S(f=f); c.connect(addr); s, _ = l.accept()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); s.close(); time.sleep(0.02)
    print("reset", bits(c), err(c.recv, 1), err(c.recv, 1), err(c.send, b"x"))
    c = S(f=f); c.connect(addr); s, _ = l.accept(); c.send(b"unread"); time.sleep(0.02); s.close(); time.sleep(0.02)
    print("closed with data unread", err(c.recv, 1), bits(c))
    c = S(f=f); c.setblocking(False); r = err(c.connect, addr); select.select([], [c], [], 1); print("nonblocking", r in ("EINPROGRESS", None), c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)); s, _ = l.accept()
    n = 0
    while True:
        try: n += c.send(b"x" * 65536)
        except BlockingIOError: break
    print("buffers fill", n > 100000, bits(c)); got = 0
    while got < n: got += len(s.recv(1 << 20))
    print("drained", got == n, bits(c) & select.POLLOUT != 0)
    l.close(); d = S(f=f); print("refused", err(d.connect, addr))
    u, w = S(socket.SOCK_DGRAM, f), S(socket.SOCK_DGRAM, f); u.bind((host, 0))
    print("udp", w.sendto(b"one", u.getsockname()), w.sendto(b"", u.getsockname()), u.recv(2), u.recv(10), err(u.recv, 1, socket.MSG_DONTWAIT), err(w.send, b"x"))
    w.connect(u.getsockname()); print(w.send(b"two"), u.recvfrom(10)[1][:2] == w.getsockname()[:2], err(w.send, b"x" * 70000), bits(w))
    u.close(); w.send(b"lost"); time.sleep(0.02); print("port unreachable", err(w.recv, 1), err(w.recv, 1, socket.MSG_DONTWAIT))
print("options", [S().getsockopt(socket.SOL_SOCKET, o) for o in (socket.SO_TYPE, socket.SO_KEEPALIVE, socket.SO_REUSEADDR, socket.SO_BROADCAST, socket.SO_ERROR, socket.SO_DOMAIN, socket.SO_PROTOCOL)])
t = S(); print([t.getsockopt(socket.IPPROTO_TCP, o) for o in (socket.TCP_NODELAY, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_CORK)])
t.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 5); t.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 5000); print(t.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), t.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
print(err(t.setsockopt, socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 0), err(t.setsockopt, socket.IPPROTO_TCP, 999, 1), err(t.getsockopt, socket.SOL_SOCKET, 9999), err(t.setsockopt, socket.SOL_SOCKET, socket.SO_RCVBUF, b"x"))
print("bind elsewhere", err(t.bind, ("8.8.8.8", 0)), err(t.bind, ("127.0.0.5", 0)))
print("families", err(t.connect, ("127.0.0.1", 0)), err(lambda: S(f=socket.AF_INET6).connect(("127.0.0.1", 1)) if False else None))
r = S(socket.SOCK_DGRAM); print("broadcast", err(r.listen, 1), err(r.accept))
l = S(); l.bind(("127.0.0.1", 0)); l.listen(50); data = os.urandom(1 << 20) * 8
def feed():
    c = S(); c.connect(l.getsockname()); c.sendall(data); c.shutdown(socket.SHUT_WR); c.recv(1); c.close()
threads = [threading.Thread(target=feed) for _ in range(3)]
[t.start() for t in threads]
for _ in threads:
    s, _ = l.accept(); parts = []
    while (b := s.recv(100000)): parts.append(b)
    print("8 MB", b"".join(parts) == data); s.send(b"!"); s.close()
[t.join() for t in threads]
c = S(); c.connect(l.getsockname()); s, _ = l.accept(); c.send(b"ab"); c.send(b"U", socket.MSG_OOB); time.sleep(0.02)
print("urgent", bits(s), s.recv(10), s.recv(1, socket.MSG_OOB), err(s.recv, 1, socket.MSG_OOB))
s.settimeout(0.03)
try: s.recv(1)
except socket.timeout: print("timeout")
a, b = S(), S(); a.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); b.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
a.bind(("127.0.0.1", 0)); print("reuseport", err(b.bind, a.getsockname())); 
x = S(socket.SOCK_STREAM, socket.AF_INET6); x.bind(("::", 0)); x.listen(1); y = S(); print("dual stack", err(y.connect, ("127.0.0.1", x.getsockname()[1])), x.accept()[1][0])
