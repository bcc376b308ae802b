import assert from "node:assert/strict";
import { test } from "node:test";
import { EAGAIN, EBUSY } from "../../abi/errno.ts";
import { kernelIo } from "../../vfs/user-io.ts";
import { PipeRing } from "./pipe-ring.ts";

const fill = (ring: PipeRing, length: number, isPacket = false, seed = 0): number => {
  const bytes = Uint8Array.from({ length }, (_, i) => (i + seed) & 255);
  return ring.fill(kernelIo(bytes, 0, length), isPacket);
};

const drain = (ring: PipeRing, length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  const n = ring.drain(kernelIo(bytes, 0, length));
  return n < 0 ? new Uint8Array(0) : bytes.subarray(0, n);
};

test("holds 65536 bytes in page-sized writes and then nothing", () => {
  const ring = new PipeRing();
  for (let i = 0; i < 16; i++) assert.equal(fill(ring, 4096), 4096);
  assert.ok(ring.isFull);
  assert.equal(fill(ring, 1), EAGAIN);
  assert.equal(ring.byteCount, 65536);
});

test("small writes share a page", () => {
  const ring = new PipeRing();
  for (let i = 0; i < 65536; i++) assert.equal(fill(ring, 1), 1);
  assert.equal(fill(ring, 1), EAGAIN);
});

test("a write of 4095 bytes takes a page of its own, so 16 fill the pipe", () => {
  const ring = new PipeRing();
  let total = 0;
  for (let i = 0; i < 16; i++) total += fill(ring, 4095);
  assert.equal(total, 16 * 4095);
  assert.equal(fill(ring, 2), EAGAIN);
  assert.equal(fill(ring, 1), 1);
});

test("one large write is taken in part, and reads give it back in order over the wrap", () => {
  const ring = new PipeRing();
  assert.equal(fill(ring, 70000), 65536);
  assert.deepEqual(
    drain(ring, 10000),
    Uint8Array.from({ length: 10000 }, (_, i) => i & 255),
  );
  assert.equal(fill(ring, 4096, false, 7), 4096);
  const rest = drain(ring, 100000);
  assert.equal(rest.length, 65536 - 10000 + 4096);
  assert.equal(rest[0], 10000 & 255);
  assert.equal(rest[rest.length - 4096], 7);
  assert.ok(ring.isEmpty);
});

test("a packet ends a read and loses what did not fit", () => {
  const ring = new PipeRing();
  fill(ring, 10, true);
  fill(ring, 20, true, 100);
  assert.equal(drain(ring, 4).length, 4);
  const second = drain(ring, 4096);
  assert.equal(second.length, 20);
  assert.equal(second[0], 100);
});

test("resize keeps the bytes and refuses to lose any", () => {
  const ring = new PipeRing();
  fill(ring, 8192);
  assert.equal(ring.resize(1), EBUSY);
  assert.equal(ring.resize(2), 0);
  assert.equal(fill(ring, 1), EAGAIN);
  assert.equal(ring.resize(32), 0);
  assert.equal(fill(ring, 200000), 30 * 4096);
  assert.equal(drain(ring, 200000).length, 32 * 4096);
});

test("copyTo duplicates for tee and moves for splice", () => {
  const from = new PipeRing();
  const to = new PipeRing();
  fill(from, 5000);
  assert.equal(from.copyTo(to, 4500, true), 4500);
  assert.equal(from.byteCount, 5000);
  assert.equal(from.copyTo(to, 10000, false), 5000);
  assert.ok(from.isEmpty);
  const all = drain(to, 10000);
  assert.equal(all.length, 9500);
  assert.equal(all[4499], 4499 & 255);
  assert.equal(all[4500], 0);
});

test("random traffic keeps every byte in order", () => {
  const ring = new PipeRing();
  let written = 0;
  let read = 0;
  let state = 12345;
  const random = (limit: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
  for (let i = 0; i < 3000; i++) {
    if (random(2) === 0) {
      const n = fill(ring, 1 + random(20000), false, written & 255);
      if (n > 0) written += n;
    } else {
      for (const byte of drain(ring, 1 + random(20000))) assert.equal(byte, read++ & 255);
    }
    assert.equal(ring.byteCount, written - read);
  }
});
