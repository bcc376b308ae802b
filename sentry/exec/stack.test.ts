import assert from "node:assert/strict";
import { test } from "node:test";
import { buildStack, STACK_NAME, STACK_PLATFORM, STACK_RANDOM } from "./stack.ts";

const TOP = 0x7fff_ffff_0000;

test("argc, pointers, auxiliary vector and strings as a program finds them", () => {
  const random = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
  const image = buildStack(TOP, {
    argv: ["prog", "", "\xff\xfe"],
    env: ["A=1", "PATH=/bin"],
    name: "/bin/prog",
    auxv: [
      [6, 4096],
      [25, STACK_RANDOM],
      [31, STACK_NAME],
      [15, STACK_PLATFORM],
    ],
    random,
    shift: 123,
  });
  const { bytes, pointer } = image;
  assert.equal(pointer % 16, 0);
  assert.equal(pointer + bytes.length, TOP);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (addr: number): number => Number(view.getBigUint64(addr - pointer, true));
  const string = (addr: number): string => {
    const start = addr - pointer;
    return Buffer.from(bytes.subarray(start, bytes.indexOf(0, start))).toString("latin1");
  };
  assert.equal(word(pointer), 3);
  assert.deepEqual(
    [0, 1, 2].map((i) => string(word(pointer + 8 + i * 8))),
    ["prog", "", "\xff\xfe"],
  );
  assert.equal(word(pointer + 32), 0);
  assert.equal(string(word(pointer + 40)), "A=1");
  assert.equal(string(word(pointer + 48)), "PATH=/bin");
  assert.equal(word(pointer + 56), 0);
  assert.equal(image.argStart, word(pointer + 8));
  assert.equal(image.argEnd, image.envStart);
  assert.equal(image.envEnd - image.envStart, "A=1\0PATH=/bin\0".length);
  const auxv = pointer + 64;
  assert.equal(word(auxv), 6);
  assert.equal(word(auxv + 8), 4096);
  assert.deepEqual([...bytes.subarray(word(auxv + 24) - pointer).subarray(0, 16)], [...random]);
  assert.equal(string(word(auxv + 40)), "/bin/prog");
  assert.equal(string(word(auxv + 56)), "x86_64");
  assert.equal(word(auxv + 64), 0);
  assert.equal(image.auxv.length, 5 * 16);
  assert.equal(word(TOP - 8), 0);
});

test("no arguments at all", () => {
  const image = buildStack(TOP, { argv: [], env: [], name: "", auxv: [], random: new Uint8Array(16), shift: 0 });
  assert.equal(image.argStart, image.argEnd);
  assert.equal(image.bytes[0], 0);
  assert.equal(image.auxv.length, 16);
});
