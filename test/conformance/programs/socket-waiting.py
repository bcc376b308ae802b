"""Sockets and whoever waits for them: epoll edges, blocking calls, timeouts, signals, control messages, sockets that are passed on."""
import array, errno, os, select, signal, socket, struct, tempfile, threading, time

def err(f, *a):
    try:
        r = f(*a)
        return r if isinstance(r, (int, bytes, type(None))) else "ok"
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))

S = lambda t=socket.SOCK_STREAM, f=socket.AF_INET: socket.socket(f, t)
def listener(f=socket.AF_INET, host="127.0.0.1", backlog=16):
    l = S(f=f); l.bind((host, 0)); l.listen(backlog); return l
def pair(f=socket.AF_INET, host="127.0.0.1"):
    l = listener(f, host); c = S(f=f); c.connect(l.getsockname()); s, _ = l.accept(); l.close(); return c, s
def later(f, *a):
    t = threading.Thread(target=lambda: (time.sleep(0.05), f(*a)), daemon=True); t.start(); return t

E = select
def names(events):
    return "|".join(n for n in ("IN", "OUT", "PRI", "ERR", "HUP", "RDHUP") if events & getattr(E, "EPOLL" + n)) or "0"
def wait(ep, ms=1000, n=8):
    return [names(e) for _, e in ep.poll(ms / 1000, n)]

# level and edge
c, s = pair(); ep = E.epoll(); ep.register(s, E.EPOLLIN)
print("level: nothing", wait(ep, 0)); c.send(b"ab"); print("data", wait(ep), wait(ep), s.recv(1), wait(ep), s.recv(1), wait(ep, 0)); ep.close()
ep = E.epoll(); ep.register(s, E.EPOLLIN | E.EPOLLOUT | E.EPOLLRDHUP | E.EPOLLET)
print("edge: first", wait(ep), "again", wait(ep, 0)); c.send(b"x"); print("data", wait(ep), "again", wait(ep, 0)); c.send(b"y"); print("more", wait(ep)); print(s.recv(9))
c.shutdown(socket.SHUT_WR); print("half closed", wait(ep), "again", wait(ep, 0)); s.shutdown(socket.SHUT_WR); print("closed", wait(ep)); ep.close()
c, s = pair(); ep = E.epoll(); ep.register(s, E.EPOLLIN | E.EPOLLONESHOT); c.send(b"x"); print("one shot", wait(ep), wait(ep, 0)); ep.modify(s, E.EPOLLIN | E.EPOLLONESHOT); print("again", wait(ep)); ep.close()
l = listener(); ep = E.epoll(); ep.register(l, E.EPOLLIN | E.EPOLLET); cs = [S() for _ in range(3)]
for x in cs: x.connect(l.getsockname())
print("listener", wait(ep), wait(ep, 0)); l.setblocking(False); n = 0
while err(lambda: l.accept()[0].close()) is None: n += 1
print("accepted", n, err(l.accept)); ep.close()
ep = E.epoll(); d = os.dup(s.fileno()); ep.register(d, E.EPOLLIN); os.close(d); c.send(b"z"); print("closed fd still told of", len(ep.poll(1)) == 1); ep.close()

# blocking calls woken by what others do
c, s = pair(); t = later(c.send, b"late"); print("recv waits", s.recv(10)); t.join()
l = listener(); c = S(); t = later(c.connect, l.getsockname()); a, _ = l.accept(); print("accept waits", a is not None); t.join()
c, s = pair(); t = later(c.close); print("end wakes", s.recv(10)); t.join()
c, s = pair(); t = later(lambda: s.shutdown(socket.SHUT_RD)); print("own shutdown wakes", s.recv(10)); t.join()
c, s = pair(); t = later(lambda: [(c.send(b"12"), time.sleep(0.02)) for _ in range(5)]); print("WAITALL", s.recv(10, socket.MSG_WAITALL)); t.join()
c, s = pair(); c.sendall(b"abc"); c.shutdown(socket.SHUT_WR); print("WAITALL and the end", s.recv(10, socket.MSG_WAITALL))
c, s = pair(); big = os.urandom(6 << 20); got = []
def drain():
    while True:
        b = s.recv(100000)
        if not b: break
        got.append(b)
t = threading.Thread(target=drain); t.start(); print("one blocking send", c.send(big)); c.close(); t.join(); print("all came", b"".join(got) == big)
c, s = pair(); c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 40000)); n = 0
while True:
    r = err(c.send, b"x" * 1000000)
    if not isinstance(r, int): break
    n += r
print("send times out", r, n > 0)
c, s = pair(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 40000)); t0 = time.monotonic(); print("recv times out", err(s.recv, 1), 0.03 < time.monotonic() - t0 < 3, struct.unpack("ll", s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)))
l = listener(); l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 40000)); print("accept times out", err(l.accept))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 4); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, bytes(16)); c.send(b"12"); p = select.poll(); p.register(s, select.POLLIN); print("low water", p.poll(30), s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)); c.send(b"34"); print(len(p.poll(1000)), s.recv(10))

# signals
class Alarm(Exception): pass
def ring(*_): raise Alarm()
signal.signal(signal.SIGALRM, ring); c, s = pair()
for what, f in (("recv", lambda: s.recv(1)), ("accept", lambda: listener().accept()), ("poll", lambda: select.select([s], [], []))):
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try: f(); print(what, "went on")
    except Alarm: print(what, "interrupted")
seen = []; signal.signal(signal.SIGALRM, lambda *_: seen.append(1)); signal.siginterrupt(signal.SIGALRM, False); signal.setitimer(signal.ITIMER_REAL, 0.03); t = threading.Timer(0.15, lambda: c.send(b"k")); t.start(); print("restarted", s.recv(1), seen); t.join()
signal.signal(signal.SIGPIPE, lambda *_: seen.append("pipe")); c, s = pair(); s.close(); time.sleep(0.02); c.send(b"x"); time.sleep(0.02); print("reset", err(c.send, b"x"), err(c.send, b"x"), seen, err(c.send, b"x", socket.MSG_NOSIGNAL), len(seen))
import fcntl
urgent = []; signal.signal(signal.SIGURG, lambda *_: urgent.append(1)); c, s = pair(); fcntl.fcntl(s, fcntl.F_SETOWN, os.getpid()); c.send(b"ab!", socket.MSG_OOB); time.sleep(0.1); print("SIGURG", urgent, s.recv(9), s.recv(1, socket.MSG_OOB))

# datagrams and what comes with them
u, w = S(socket.SOCK_DGRAM), S(socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0)); w.connect(u.getsockname())
for o in (8, 12, 13): u.setsockopt(socket.IPPROTO_IP, o, 1)
w.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 33); w.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10); w.send(b"info"); m, anc, fl, frm = u.recvmsg(100, 200)
print("control", m, fl, sorted((a, b, x[4:] if b == 8 else x) for a, b, x in anc), frm == w.getsockname())
w.send(b"long datagram"); print("cut off", u.recvmsg(4)[::2], end=" "); w.send(b"long datagram"); print(u.recv(4, socket.MSG_TRUNC), u.recvmsg(4, 0, socket.MSG_DONTWAIT)[2] if select.select([u], [], [], 0)[0] else "none left")
w.send(b"ctl"); print("no room for control", u.recvmsg(10, 4)[2] & socket.MSG_CTRUNC != 0)
w.sendmsg([b"a", b"bc"], [(socket.IPPROTO_IP, 8, struct.pack("i4s4s", 0, socket.inet_aton("127.0.0.1"), bytes(4)))]); print("chosen source", u.recvfrom(9)[0]); print("bad control", err(w.sendmsg, [b"x"], [(socket.IPPROTO_IP, 99, b"1234")]))
u.setsockopt(socket.SOL_SOCKET, 29, 1); w.send(b"t"); _, anc, _, _ = u.recvmsg(9, 100); print("timestamp", [(a, b, abs(struct.unpack("ll", x)[0] - time.time()) < 5) for a, b, x in anc if (a, b) == (socket.SOL_SOCKET, 29)])
w.setsockopt(socket.IPPROTO_IP, 11, 1); u.close(); w.send(b"nobody"); time.sleep(0.05); m, anc, fl, frm = w.recvmsg(100, 200, socket.MSG_ERRQUEUE); print("error queue", m, fl == socket.MSG_ERRQUEUE, [(a, b, struct.unpack("IBBB", x[:7])) for a, b, x in anc], err(w.recv, 1, socket.MSG_DONTWAIT))
u6, w6 = S(socket.SOCK_DGRAM, socket.AF_INET6), S(socket.SOCK_DGRAM, socket.AF_INET6); u6.bind(("::1", 0)); u6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1); u6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1); w6.sendto(b"six", u6.getsockname()); m, anc, fl, _ = u6.recvmsg(9, 200); print("six", m, [(a, b, x[:16]) for a, b, x in anc])
w.close(); w = S(socket.SOCK_DGRAM); u = S(socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0)); w.connect(u.getsockname()); print("empty", w.send(b""), u.recv(10)); w.shutdown(socket.SHUT_WR); print("shut", err(w.send, b"x", socket.MSG_NOSIGNAL)); t = later(lambda: S(socket.SOCK_DGRAM).sendto(b"wake", u.getsockname())); print("waits", u.recv(9)); t.join()
both = S(f=socket.AF_INET6); both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0); both.bind(("::", 0)); both.listen(); c = S(); c.connect(("127.0.0.1", both.getsockname()[1])); s, peer = both.accept(); print("mapped", peer[0], s.getsockname()[0], s.family.name)

# descriptors: dup, fork, passed on
c, s = pair(); d = s.dup(); s.close(); c.send(b"dup"); print(d.recv(9)); pid = os.fork()
if pid == 0: d.send(b"from child"); os._exit(0)
os.waitpid(pid, 0); print(c.recv(20)); a, b = socket.socketpair(); a.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [d.fileno()]))]); d.close(); _, anc, _, _ = b.recvmsg(1, 100); p = socket.socket(fileno=struct.unpack("i", anc[0][2])[0]); c.send(b"passed"); print(p.recv(9), p.family.name, p.type.name, p.getpeername() == c.getsockname())
print("a unix socket alone passes", err(c.sendmsg, [b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))]), p.recv(9))
l = listener(); pids = []
for _ in range(3):
    pid = os.fork()
    if pid == 0: k, _ = l.accept(); k.send(b"%d" % 1); os._exit(0)
    pids.append(pid)
n = 0
for _ in range(3): k = S(); k.connect(l.getsockname()); n += int(k.recv(9)); k.close()
[os.waitpid(x, 0) for x in pids]; print("accepted by children", n)
with tempfile.TemporaryFile() as f:
    data = os.urandom(1 << 20); f.write(data); f.flush(); got = []; t = threading.Thread(target=drain); c, s = pair(); t.start(); n = 0
    while n < len(data): n += os.sendfile(c.fileno(), f.fileno(), n, len(data) - n)
    c.close(); t.join(); print("sendfile", b"".join(got) == data)
r, wr = os.pipe(); c, s = pair(); c.send(b"spliced"); print("splice in", os.splice(s.fileno(), wr, 100) if hasattr(os, "splice") else 7, os.read(r, 9) if hasattr(os, "splice") else b"spliced")
x, y = S(), S()
for z in (x, y): z.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
x.bind(("127.0.0.1", 0)); print("reuse port", err(y.bind, x.getsockname())); x.listen(); y.listen(); n = 0
for _ in range(40): k = S(); k.connect(x.getsockname()); n += 1
hits = [0, 0]
for i, z in enumerate((x, y)):
    z.setblocking(False)
    while err(lambda: z.accept()[0].close()) is None: hits[i] += 1
print(n, sum(hits), min(hits) > 0)

# states and options
c = S(); c.setblocking(False); l = listener(); r = err(c.connect, l.getsockname()); select.select([], [c], []); print("connected later", r, c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), err(c.connect, l.getsockname()), err(c.connect, l.getsockname()))
q = listener(); gone = q.getsockname(); q.close(); c = S(); c.setblocking(False); r = err(c.connect, gone); select.select([], [c], []); p = select.poll(); p.register(c); print("refused later", r in ("EINPROGRESS", "ECONNREFUSED"), names(p.poll(0)[0][1]), errno.errorcode.get(c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)), names(p.poll(0)[0][1]))
l = listener(); c = S(); c.connect(l.getsockname()); k, _ = l.accept(); print("connected", err(c.connect, l.getsockname()), err(c.listen, 1), err(c.bind, ("127.0.0.1", 0)))
k.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 5)); print("linger", struct.unpack("ii", k.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))); k.send(b"last"); k.close(); print(c.recv(9), c.recv(9))
c, s = pair(); info = c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104); print("TCP_INFO", info[0], len(info), c.getsockopt(socket.IPPROTO_TCP, 13, 16).rstrip(b"\0") != b"")
for o, v in ((socket.TCP_NODELAY, 1), (socket.TCP_KEEPIDLE, 77), (socket.TCP_KEEPINTVL, 7), (socket.TCP_KEEPCNT, 3), (socket.TCP_USER_TIMEOUT, 9000), (socket.TCP_QUICKACK, 0), (socket.TCP_DEFER_ACCEPT, 0), (socket.TCP_CORK, 1)): c.setsockopt(socket.IPPROTO_TCP, o, v); print(c.getsockopt(socket.IPPROTO_TCP, o), end=" ")
print(); c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0); c.send(b"12345"); time.sleep(0.02); print("FIONREAD", struct.unpack("i", fcntl.ioctl(s, 0x541B, bytes(4)))[0], "thrown away", len(s.recv(3, socket.MSG_TRUNC)), s.recv(9))
print("ARP", err(fcntl.ioctl, s, 0x8913, struct.pack("16s16s", b"nosuch", b"")), struct.unpack("16xH", fcntl.ioctl(s, 0x8913, struct.pack("16s16s", b"lo", b""))[:18])[0] & 0x49 == 0x49, struct.unpack("16xi", fcntl.ioctl(s, 0x8921, struct.pack("16s16s", b"lo", b""))[:20])[0] > 1000, socket.if_nametoindex("lo"), (1, "lo") in socket.if_nameindex())
print("names", socket.gethostbyname("localhost"), socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0][4])
