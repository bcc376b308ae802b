import assert from "node:assert/strict";
import { test } from "node:test";
import { ENOEXEC } from "../abi/errno.ts";
import { imageAlignment, imageExtent, parseElfHeader, parseSegments } from "./elf.ts";

const header = (change: (view: DataView) => void = () => {}): Uint8Array => {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, 2, true);
  view.setUint16(18, 62, true);
  view.setBigUint64(24, 0x401000n, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 3, true);
  change(view);
  return bytes;
};

test("a plain header", () => {
  assert.deepEqual(parseElfHeader(header()), { type: 2, entry: 0x401000, phoff: 64, phnum: 3 });
});

test("what is not a program for this machine is refused", () => {
  const refused: [string, (view: DataView) => void][] = [
    ["magic", (view) => view.setUint8(1, 0)],
    ["32 bits", (view) => view.setUint8(4, 1)],
    ["big endian", (view) => view.setUint8(5, 2)],
    ["relocatable", (view) => view.setUint16(16, 1, true)],
    ["core", (view) => view.setUint16(16, 4, true)],
    ["another machine", (view) => view.setUint16(18, 183, true)],
    ["entry size", (view) => view.setUint16(54, 32, true)],
    ["no program headers", (view) => view.setUint16(56, 0, true)],
    ["too many", (view) => view.setUint16(56, 0xffff, true)],
  ];
  for (const [name, change] of refused) assert.equal(parseElfHeader(header(change)), ENOEXEC, name);
  for (let length = 0; length < 64; length++) assert.equal(parseElfHeader(header().subarray(0, length)), ENOEXEC);
});

test("segments with absurd fields are read without harm", () => {
  const bytes = new Uint8Array(112).fill(0xff);
  const [first] = parseSegments(bytes, 2);
  assert.ok(first.vaddr > 2 ** 63);
  const load = { type: 1, flags: 7, offset: 0, vaddr: 0x1234, filesz: 0, memsz: 0x10, align: 2 ** 63 };
  assert.equal(imageAlignment([load, { ...load, align: 0x20_0000 }, { ...load, align: 0x30_0000 }]), 0x20_0000);
  assert.deepEqual(imageExtent([{ ...load, vaddr: 0x5000 }, load]), { start: 0x1000, length: 0x5010 - 0x1000 });
  assert.deepEqual(imageExtent([{ ...load, type: 2 }]), { start: 0, length: 0 });
});
