import assert from "node:assert/strict";
import { it } from "node:test";
import { EADDRINUSE, EAGAIN, ECONNREFUSED, ECONNRESET, EINVAL, EMSGSIZE, ENOTCONN, EPERM, EPIPE } from "../../abi/errno.ts";
import { abstract, FakeHost } from "../fake-host.ts";

const STREAM = 1;
const DGRAM = 2;
const SEQPACKET = 5;
const NONBLOCK = 0o4000;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CTRUNC = 0x8;
const BLOCKED = -4096;
const POLLHUP = 0x10;

it("a stream joins what was sent apart; a packet stays whole", () => {
  const host = new FakeHost();
  const [a, b] = host.pair(STREAM);
  host.send(a, "ab");
  host.send(a, "cd");
  assert.equal(host.receive(b, 3), "abc");
  assert.equal(host.receive(b, 3), "d");
  const [c, d] = host.pair(SEQPACKET | NONBLOCK);
  host.send(c, "ab");
  host.send(c, "");
  host.send(c, "cdef");
  assert.equal(host.receive(d, 10), "ab");
  assert.equal(host.receive(d, 10), "");
  assert.equal(host.call("recvfrom", d, 0x11000, 1, MSG_TRUNC, 0, 0), 4);
  assert.equal(host.receive(d, 1), EAGAIN);
});

it("a reader sleeps until bytes come, and MSG_WAITALL until all have", () => {
  const host = new FakeHost();
  const other = host.sandbox.fork(host.sandbox.init);
  const [a, b] = host.pair(STREAM);
  other.files.install(host.task.files.get(a)?.take() as never, false, a);
  assert.equal(host.call("recvfrom", b, 0x11000, 4, 0x100, 0, 0), BLOCKED);
  const reader = host.task;
  host.task = other;
  host.send(a, "ab");
  assert.ok(reader.op !== null);
  host.send(a, "cd");
  assert.equal(reader.op, null);
});

it("a peer that closed with unread data means ECONNRESET, then end of file; writes are EPIPE", () => {
  const host = new FakeHost();
  const [a, b] = host.pair(STREAM);
  host.send(b, "unread");
  host.send(a, "kept");
  host.close(a);
  assert.equal(host.receive(b, 10), "kept");
  assert.equal(host.receive(b, 10), ECONNRESET);
  assert.equal(host.receive(b, 10), "");
  assert.equal(host.send(b, "x", MSG_NOSIGNAL), EPIPE);
});

it("a full backlog makes connect wait; the listener's end refuses those in it", () => {
  const host = new FakeHost();
  const listener = host.call("socket", 1, STREAM, 0);
  assert.equal(host.withAddress("bind", listener, abstract("l")), 0);
  assert.equal(host.withAddress("bind", host.call("socket", 1, STREAM, 0), abstract("l")), EADDRINUSE);
  assert.equal(host.call("listen", listener, 0), 0);
  const first = host.call("socket", 1, STREAM, 0);
  assert.equal(host.withAddress("connect", first, abstract("l")), 0);
  const second = host.call("socket", 1, STREAM | NONBLOCK, 0);
  assert.equal(host.withAddress("connect", second, abstract("l")), EAGAIN);
  assert.ok(host.call("accept", listener, 0, 0) > 0);
  assert.equal(host.withAddress("connect", second, abstract("l")), 0);
  host.close(listener);
  assert.equal(host.receive(second, 1), ECONNRESET);
  assert.equal(host.withAddress("connect", host.call("socket", 1, STREAM, 0), abstract("l")), ECONNREFUSED);
});

it("datagrams: the queue is limited, a connected receiver hears its peer alone", () => {
  const host = new FakeHost();
  const receiver = host.call("socket", 1, DGRAM, 0);
  host.withAddress("bind", receiver, abstract("r"));
  const sender = host.call("socket", 1, DGRAM | NONBLOCK, 0);
  assert.equal(host.send(sender, "x"), ENOTCONN);
  let sent = 0;
  while (host.send(sender, "x", 0, abstract("r")) === 1) sent++;
  assert.equal(sent, 11);
  assert.equal(host.receive(receiver, 1), "x");
  assert.equal(host.send(sender, "x", 0, abstract("r")), 1);
  host.withAddress("bind", sender, abstract("s"));
  host.withAddress("connect", receiver, abstract("s"));
  const stranger = host.call("socket", 1, DGRAM | NONBLOCK, 0);
  assert.equal(host.send(stranger, "x", 0, abstract("r")), EPERM);
  assert.equal(host.send(sender, "y".repeat(212_961), 0, abstract("r")), EMSGSIZE);
  host.close(receiver);
  assert.equal(host.send(sender, "x", 0, abstract("r")), ECONNREFUSED);
});

it("files travel with the bytes they were sent with", () => {
  const host = new FakeHost();
  const [a, b] = host.pair(STREAM);
  const [c, d] = host.pair(STREAM);
  host.send(a, "plain");
  assert.equal(host.sendFiles(a, "files", [c]), 5);
  host.send(a, "after");
  const got = host.receiveFiles(b, 100);
  assert.equal(got.text, "plainfiles");
  assert.equal(got.fds.length, 1);
  assert.equal(host.receive(b, 100), "after");
  host.send(d, "through");
  assert.equal(host.receive(got.fds[0], 100), "through");
});

it("files without room for them are dropped, and MSG_CTRUNC says so", () => {
  const host = new FakeHost();
  const [a, b] = host.pair(STREAM);
  const [c, d] = host.pair(STREAM);
  host.sendFiles(a, "x", [c]);
  host.close(c);
  const got = host.receiveFiles(b, 10, 16);
  assert.deepEqual(got.fds, []);
  assert.ok((got.flags & MSG_CTRUNC) !== 0);
  assert.equal(host.receive(d, 1, MSG_DONTWAIT), "");
});

it("sockets that lie in each other's queues are found and closed", () => {
  const host = new FakeHost();
  const [a, b] = host.pair(STREAM);
  const [probe, far] = host.pair(STREAM);
  host.sendFiles(a, "1", [b, probe]);
  host.sendFiles(b, "2", [a]);
  host.close(probe);
  assert.equal(host.receive(far, 1, MSG_DONTWAIT), EAGAIN);
  host.close(a);
  assert.equal(host.receive(far, 1, MSG_DONTWAIT), EAGAIN);
  host.close(b);
  assert.equal(host.receive(far, 1, MSG_DONTWAIT), "");
});

it("a fresh stream socket hangs up; a listener without a name is EINVAL", () => {
  const host = new FakeHost();
  const fd = host.call("socket", 1, STREAM, 0);
  assert.ok((host.readiness(fd) & POLLHUP) !== 0);
  assert.equal(host.call("listen", fd, 1), EINVAL);
  assert.equal(host.receive(fd, 1), EINVAL);
});
