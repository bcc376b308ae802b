import assert from "node:assert/strict";
import { test } from "node:test";
import { E2BIG, EFAULT } from "../abi/errno.ts";
import type { UserMemory } from "../mm/user-memory.ts";
import { MAX_ARG_STRLEN, readArguments } from "./arguments.ts";

const BASE = 0x10000;
const STACK_LIMIT = 8 * 1024 * 1024;

/** Guest memory from BASE on. */
const memory = (size: number) => {
  const bytes = Buffer.alloc(size);
  let used = 8;
  const self = {
    reads: 0,
    readInto: (addr: number, target: Uint8Array, at: number, length: number): number => {
      self.reads++;
      const from = addr - BASE;
      if (from < 0 || from >= size) return 0;
      const n = Math.min(length, size - from);
      target.set(bytes.subarray(from, from + n), at);
      return n;
    },
    string: (text: string): number => {
      const addr = BASE + used;
      bytes.write(text, used, "latin1");
      used += text.length + 1;
      return addr;
    },
    pointers: (values: number[]): number => {
      used = Math.ceil(used / 8) * 8;
      const addr = BASE + used;
      for (const value of values) {
        bytes.writeBigUInt64LE(BigInt(value), used);
        used += 8;
      }
      return addr;
    },
  };
  return self;
};

const read = (fake: ReturnType<typeof memory>, argv: number, env: number, limit = STACK_LIMIT) =>
  readArguments(fake as unknown as UserMemory, argv, env, limit, 5);

test("argv and envp", () => {
  const fake = memory(65536);
  const argv = fake.pointers([fake.string("ls"), fake.string(""), fake.string("\xe4"), 0]);
  const env = fake.pointers([fake.string("HOME=/"), 0]);
  assert.deepEqual(read(fake, argv, env), { argv: ["ls", "", "\xe4"], env: ["HOME=/"] });
  assert.ok(fake.reads < 8);
});

test("NULL argv gives one empty string", () => {
  const fake = memory(4096);
  assert.deepEqual(read(fake, 0, 0), { argv: [""], env: [] });
  assert.deepEqual(read(fake, fake.pointers([0]), 0), { argv: [""], env: [] });
});

test("bad addresses", () => {
  const fake = memory(4096);
  assert.equal(read(fake, 1, 0), EFAULT);
  assert.equal(read(fake, fake.pointers([0x5000_0000, 0]), 0), EFAULT);
  assert.equal(read(fake, 2 ** 63, 0), EFAULT);
  // An array that runs into the end of memory without its NULL.
  assert.equal(read(fake, BASE + 4096 - 4, 0), EFAULT);
});

test("limits", () => {
  const fake = memory(4 * 1024 * 1024);
  const longest = fake.string("x".repeat(MAX_ARG_STRLEN - 1));
  const tooLong = fake.string("x".repeat(MAX_ARG_STRLEN));
  const fits = read(fake, fake.pointers([longest, 0]), 0);
  assert.ok(typeof fits !== "number" && fits.argv[0].length === MAX_ARG_STRLEN - 1);
  assert.equal(read(fake, fake.pointers([tooLong, 0]), 0), E2BIG);
  const many = Array.from({ length: 20 }, () => longest);
  assert.equal(read(fake, fake.pointers([...many, 0]), 0), E2BIG);
  // A quarter of a small stack, but at least 128 KiB.
  const some = fake.string("y".repeat(60_000));
  assert.ok(typeof read(fake, fake.pointers([some, some, 0]), 0, 65536) !== "number");
  assert.equal(read(fake, fake.pointers([some, some, some, 0]), 0, 65536), E2BIG);
  const pointers = fake.pointers([...Array.from({ length: 20_000 }, () => fake.string("")), 0]);
  assert.equal(read(fake, pointers, 0, 65536), E2BIG);
});
