import assert from "node:assert/strict";
import { it } from "node:test";
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EDESTADDRREQ,
  EINPROGRESS,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EPIPE,
} from "../../abi/errno.ts";
import { FakeHost, inet } from "../fake-host.ts";

const STREAM = 1;
const DGRAM = 2;
const NONBLOCK = 0o4000;
const MSG_OOB = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_LINGER = 13;
const POLLIN = 1;
const POLLOUT = 4;
const BLOCKED = -4096;
const SECOND = 1e9;

const listen = (host: FakeHost, backlog = 5): [number, number] => {
  const fd = host.call("socket", 2, STREAM, 0);
  assert.equal(host.withAddress("bind", fd, inet(0)), 0);
  assert.equal(host.call("listen", fd, backlog), 0);
  return [fd, host.port(fd)];
};

/** client, server, and the server's port. */
const connection = (host: FakeHost): [number, number, number] => {
  const [listener, port] = listen(host);
  const client = host.call("socket", 2, STREAM, 0);
  assert.equal(host.withAddress("connect", client, inet(port)), 0);
  const server = host.call("accept", listener, 0, 0);
  host.close(listener);
  return [client, server, port];
};

it("a connect that does not wait is in progress, then done, then refused again", () => {
  const host = new FakeHost();
  const [, port] = listen(host);
  const client = host.call("socket", 2, STREAM | NONBLOCK, 0);
  assert.equal(host.withAddress("connect", client, inet(port)), EINPROGRESS);
  assert.ok((host.readiness(client) & POLLOUT) !== 0);
  assert.equal(host.withAddress("connect", client, inet(port)), 0);
  assert.equal(host.withAddress("connect", client, inet(port)), EISCONN);
  const refused = host.call("socket", 2, STREAM | NONBLOCK, 0);
  assert.equal(host.withAddress("connect", refused, inet(1)), EINPROGRESS);
  assert.equal(host.option(refused, SOL_SOCKET, SO_ERROR), -ECONNREFUSED);
  assert.equal(host.option(refused, SOL_SOCKET, SO_ERROR), 0);
  assert.equal(host.withAddress("connect", host.call("socket", 2, STREAM, 0), inet(1)), ECONNREFUSED);
  assert.equal(host.withAddress("connect", host.call("socket", 2, STREAM, 0), inet(1, 0x08080808)), ENETUNREACH);
});

it("a connect waits while the listener's queue is full", () => {
  const host = new FakeHost();
  const [listener, port] = listen(host, 0);
  const first = host.call("socket", 2, STREAM, 0);
  assert.equal(host.withAddress("connect", first, inet(port)), 0);
  const other = host.sandbox.fork(host.sandbox.init);
  const server = host.task;
  host.task = other;
  const second = host.call("socket", 2, STREAM, 0);
  assert.equal(host.withAddress("connect", second, inet(port)), BLOCKED);
  host.task = server;
  assert.ok(host.call("accept", listener, 0, 0) > 0);
  assert.equal(other.op, null);
  assert.ok(host.call("accept", listener, 0, 0) > 0);
});

it("half a connection goes on when the other half is closed", () => {
  const host = new FakeHost();
  const [client, server] = connection(host);
  host.send(client, "last");
  assert.equal(host.call("shutdown", client, 1), 0);
  assert.equal(host.receive(server, 10), "last");
  assert.equal(host.receive(server, 10), "");
  host.send(server, "answer");
  assert.equal(host.receive(client, 10), "answer");
  assert.equal(host.send(client, "x", MSG_NOSIGNAL), EPIPE);
});

it("unread bytes and a linger time of zero reset the connection", () => {
  const host = new FakeHost();
  for (const isLinger of [true, false]) {
    const [client, server] = connection(host);
    if (isLinger) host.setOption(client, SOL_SOCKET, SO_LINGER, 1, 0);
    else host.send(server, "unread");
    host.close(client);
    assert.equal(host.receive(server, 1), ECONNRESET);
    assert.equal(host.receive(server, 1), "");
    assert.equal(host.send(server, "x", MSG_NOSIGNAL), EPIPE);
  }
});

it("bytes to a socket that is closed come back as a reset", () => {
  const host = new FakeHost();
  const [client, server] = connection(host);
  host.close(server);
  assert.equal(host.receive(client, 1), "");
  assert.equal(host.send(client, "x"), 1);
  assert.equal(host.send(client, "x", MSG_NOSIGNAL), EPIPE);
  assert.equal(host.receive(client, 1), "");
});

it("a full window holds the writer back until the reader has made room", () => {
  const host = new FakeHost();
  const [client, server] = connection(host);
  const piece = "z".repeat(1 << 16);
  let sent = 0;
  for (let n = host.send(client, piece, MSG_DONTWAIT); n > 0; n = host.send(client, piece, MSG_DONTWAIT)) sent += n;
  assert.equal(sent, 2_626_560 + 131_072);
  assert.equal(host.readiness(client) & POLLOUT, 0);
  let received = 0;
  while (received < sent / 2) received += (host.receive(server, 1 << 16) as string).length;
  assert.ok((host.readiness(client) & POLLOUT) !== 0);
});

it("urgent data stands apart", () => {
  const host = new FakeHost();
  const [client, server] = connection(host);
  host.send(client, "ab");
  host.send(client, "X", MSG_OOB);
  host.send(client, "cd");
  assert.equal(host.receive(server, 10), "ab");
  assert.equal(host.receive(server, 1, MSG_OOB), "X");
  assert.equal(host.receive(server, 10), "cd");
});

it("a port stays taken for a minute, unless SO_REUSEADDR is on both sides", () => {
  const host = new FakeHost();
  const [client, server, port] = connection(host);
  host.close(server);
  host.close(client);
  const plain = host.call("socket", 2, STREAM, 0);
  assert.equal(host.withAddress("bind", plain, inet(port)), EADDRINUSE);
  host.sandbox.time.advance(61 * SECOND);
  assert.equal(host.withAddress("bind", plain, inet(port)), 0);
  const again = host.call("socket", 2, STREAM, 0);
  host.setOption(again, SOL_SOCKET, SO_REUSEADDR, 1);
  assert.equal(host.withAddress("bind", again, inet(port)), EADDRINUSE);
  assert.equal(host.withAddress("bind", host.call("socket", 2, STREAM, 0), inet(0, 0x08080808)), EADDRNOTAVAIL);
});

it("UDP: connected sockets hear their peer, and of closed ports", () => {
  const host = new FakeHost();
  const one = host.call("socket", 2, DGRAM | NONBLOCK, 0);
  assert.equal(host.send(one, "x"), EDESTADDRREQ);
  host.withAddress("bind", one, inet(0));
  const two = host.call("socket", 2, DGRAM | NONBLOCK, 0);
  assert.equal(host.withAddress("connect", two, inet(host.port(one))), 0);
  assert.equal(host.send(two, "hello"), 5);
  assert.ok((host.readiness(one) & POLLIN) !== 0);
  assert.equal(host.receive(one, 10), "hello");
  const stranger = host.call("socket", 2, DGRAM, 0);
  host.send(stranger, "stray", 0, inet(host.port(two)));
  assert.equal(host.receive(two, 10), EAGAIN);
  host.close(one);
  assert.equal(host.send(two, "x"), 1);
  assert.equal(host.send(two, "x"), ECONNREFUSED);
  assert.equal(host.call("shutdown", stranger, 2), ENOTCONN);
});

it("an echo request is answered", () => {
  const host = new FakeHost();
  const fd = host.call("socket", 2, DGRAM | NONBLOCK, 1);
  assert.equal(host.send(fd, "\x08\0\0\0\0\0\0\x01ping", 0, inet(0)), 12);
  const reply = host.receive(fd, 100) as string;
  assert.equal(reply.charCodeAt(0), 0);
  assert.equal(reply.slice(-4), "ping");
});
