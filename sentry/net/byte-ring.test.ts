import assert from "node:assert/strict";
import { it } from "node:test";
import { EINVAL } from "../abi/errno.ts";
import { kernelIo } from "../vfs/user-io.ts";
import { ByteRing } from "./byte-ring.ts";
import { StreamBuffer } from "./stream-buffer.ts";

const put = (ring: ByteRing, text: string, max = 1 << 20): number => ring.fill(kernelIo(Buffer.from(text), 0, text.length), max);

const get = (ring: ByteRing, length: number, max = 1 << 20): string => {
  const target = Buffer.alloc(length);
  const n = ring.drain(kernelIo(target, 0, length), max);
  return target.subarray(0, n).toString();
};

it("keeps the order over the end of the array and over growth", () => {
  const ring = new ByteRing();
  const text = Array.from({ length: 3000 }, (_, i) => String.fromCharCode(33 + (i % 90))).join("");
  let expected = "";
  let seen = "";
  for (let i = 0; i < 40; i++) {
    put(ring, text);
    expected += text;
    seen += get(ring, 2000 + i * 60);
  }
  seen += get(ring, ring.length);
  assert.equal(seen, expected.slice(0, seen.length));
  assert.equal(ring.length, 0);
  assert.equal(ring.head, seen.length);
});

it("takes no more than it may", () => {
  const ring = new ByteRing();
  assert.equal(put(ring, "abcdef", 4), 4);
  assert.equal(get(ring, 10, 3), "abc");
  assert.equal(get(ring, 10), "d");
});

it("stops at the urgent mark and leaves the urgent byte out", () => {
  const buffer = new StreamBuffer();
  put(buffer, "abX");
  buffer.markUrgent();
  put(buffer, "cd");
  assert.equal(buffer.beforeMark(), 2);
  assert.equal(buffer.readable(false), 4);
  assert.equal(get(buffer, 10, buffer.beforeMark()), "ab");
  assert.ok(buffer.isAtMark);
  const byte = Buffer.alloc(1);
  assert.equal(buffer.readUrgent(kernelIo(byte, 0, 1), false, false), 1);
  assert.equal(byte.toString(), "X");
  assert.equal(buffer.readUrgent(kernelIo(byte, 0, 1), false, false), EINVAL);
  buffer.passMark(false);
  assert.equal(get(buffer, 10, buffer.beforeMark()), "cd");
});
