import assert from "node:assert/strict";
import { it } from "node:test";
import { EINVAL, isErrno } from "../abi/errno.ts";
import { ControlWriter, parseControl } from "./control.ts";

const message = (length: number, level: number, type: number, data: number[], high = 0): number[] => {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(length, 0);
  header.writeUInt32LE(high, 4);
  header.writeInt32LE(level, 8);
  header.writeInt32LE(type, 12);
  return [...header, ...data];
};

it("reads messages one after the other, padded to 8 bytes", () => {
  const bytes = Uint8Array.from([...message(20, 1, 1, [1, 0, 0, 0, 0, 0, 0, 0]), ...message(17, 0, 2, [9])]);
  const found = parseControl(bytes);
  assert.ok(!isErrno(found));
  assert.deepEqual(
    found.map(({ level, type, data }) => [level, type, [...data]]),
    [
      [1, 1, [1, 0, 0, 0]],
      [0, 2, [9]],
    ],
  );
});

it("refuses lengths that do not fit", () => {
  assert.equal(parseControl(Uint8Array.from(message(15, 1, 1, []))), EINVAL);
  assert.equal(parseControl(Uint8Array.from(message(0, 1, 1, []))), EINVAL);
  assert.equal(parseControl(Uint8Array.from(message(24, 1, 1, [0, 0, 0, 0]))), EINVAL);
  assert.equal(parseControl(Uint8Array.from(message(20, 1, 1, [0, 0, 0, 0], 1))), EINVAL);
  assert.deepEqual(parseControl(new Uint8Array(15)), []);
});

it("cuts what does not fit, and says so", () => {
  const writer = new ControlWriter(24);
  assert.ok(!writer.put(1, 2, new Uint8Array(12)));
  assert.equal(writer.used, 24);
  assert.equal(Buffer.from(writer.bytes).readUInt32LE(0), 24);
  assert.ok(!writer.put(1, 2, new Uint8Array(1)));
  const small = new ControlWriter(15);
  assert.ok(!small.put(1, 2, new Uint8Array(0)));
  assert.equal(small.used, 0);
});
