import assert from "node:assert/strict";
import { test } from "node:test";
import { Packr } from "msgpackr/pack";
import { ATTRIBUTE_COUNT, attributes } from "./attributes.ts";
import { fits, isPlain, packInto, unpackFrom } from "./codec.ts";
import { EMSGSIZE } from "./errno.ts";
import { bytes, int, isName, list, name, nodeId, text } from "./fields.ts";
import { setxattr, stats, walk } from "./messages.ts";

const buffer = Buffer.alloc(100_000);
const packr = new Packr();
const pack = (value: unknown): Buffer => packr.pack(value);

test("values survive", () => {
  const values = [
    3,
    -1,
    -4095,
    2 ** 31,
    2 ** 40 + 1,
    2 ** 53 - 1,
    -(2 ** 40),
    "",
    "x".repeat(300),
    "\xff\x80name",
    ["a", 1],
    Buffer.from([0, 255]),
  ];
  const length = packInto(buffer, values);
  assert.ok(length > 0);
  const back = unpackFrom(buffer, length) as unknown[];
  assert.deepEqual(back.slice(0, -1), values.slice(0, -1));
  assert.deepEqual([...(back.at(-1) as Uint8Array)], [0, 255]);
});

test("a message too large for its buffer is refused, and the next one is not harmed", () => {
  const small = Buffer.alloc(4096);
  assert.equal(packInto(small, [1, Buffer.alloc(5000)]), EMSGSIZE);
  assert.equal(packInto(small, [1, "y".repeat(4090)]), EMSGSIZE);
  assert.deepEqual(unpackFrom(small, packInto(small, [1, 2, "z"])), [1, 2, "z"]);
});

test("another packer of the process does not write into the channel's buffer", () => {
  const own = Buffer.alloc(4096, 0xee);
  const length = packInto(own, [1, 2]);
  const other = pack({ a: "some text" });
  assert.notEqual(other.buffer, own.buffer);
  assert.ok(own.subarray(length).every((byte) => byte === 0xee));
});

test("only plain values get to the decoder", () => {
  const refused: unknown[] = [
    7,
    "text",
    { a: 1 },
    [new Map([[1, 2]])],
    [null],
    [true],
    [undefined],
    [new Date(0)],
    [2n ** 60n],
    [[[[1]]]],
    [{}],
  ];
  for (const value of refused) assert.equal(isPlain(pack(value), pack(value).length), false, String(value));
  assert.equal(isPlain(Buffer.alloc(0), 0), false);
  // An array that claims more items than there are bytes, a record, a trailing byte, a cut string.
  for (const hex of [
    "dcffff01",
    "dd00000001",
    "91d47240",
    "910102",
    "91a3ff",
    "91d9",
    "91da00",
    "91c6ffffffff",
    "91c1",
    "91cf0000000000000001",
  ]) {
    const message = Buffer.from(hex, "hex");
    assert.equal(unpackFrom(message, message.length), null, hex);
  }
});

test("random and damaged messages never throw", () => {
  let seed = 1;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  const good = [
    [2, 1, ["usr", "lib"], 1],
    [16, 1, 8, 0, 0, 0, 2 ** 40, 0, 0, 0, 0],
    [19, 1, "user.x", Buffer.alloc(40), 0],
  ];
  for (let round = 0; round < 20_000; round++) {
    let length: number;
    if (round % 2 === 0) {
      length = random(40);
      for (let i = 0; i < length; i++) buffer[i] = random(256);
      if (length > 0) buffer[0] = 0x90 | random(16);
    } else {
      length = packInto(buffer, good[random(good.length)]);
      for (let i = random(3); i >= 0; i--) buffer[random(length)] = random(256);
    }
    const values = unpackFrom(buffer, length);
    if (values !== null) for (const message of [walk, stats, setxattr]) fits(message.request, values);
  }
});

test("names are single components", () => {
  for (const good of ["a", "...", ".git", "x".repeat(255), "\xff\x01", "a b\n", "-"]) assert.ok(isName(good), good);
  for (const bad of ["", ".", "..", "a/b", "/", "a\0b", "x".repeat(256), "\u0100", 7, null, [], undefined])
    assert.ok(!isName(bad), String(bad));
});

test("fields refuse what they do not describe", () => {
  const request = [nodeId("node"), list(name("names"), 1, 2), int("flags", 0, 3), bytes("value", 2), text("target", 3)];
  const good = [9, 1, ["a"], 3, Buffer.alloc(2), "a/."];
  assert.ok(fits(request, good));
  const bad: [number, unknown][] = [
    [1, 0],
    [1, 1.5],
    [1, Number.NaN],
    [1, 2 ** 53],
    [1, "1"],
    [2, []],
    [2, ["a", "b", "c"]],
    [2, [".."]],
    [2, "a"],
    [3, 4],
    [3, -1],
    [4, Buffer.alloc(3)],
    [4, "ab"],
    [5, "abcd"],
    [5, "a\0"],
  ];
  for (const [at, value] of bad) {
    const values: unknown[] = [...good];
    values[at] = value;
    assert.ok(!fits(request, values), `${at}: ${value}`);
  }
  assert.ok(!fits(request, good.slice(0, -1)));
  assert.ok(!fits(request, [...good, 1]));
});

test("attributes come in whole rows", () => {
  const row = new Array(ATTRIBUTE_COUNT).fill(1);
  const field = attributes("rows", 2);
  assert.ok(field.accepts([]) && field.accepts(row) && field.accepts([...row, ...row]));
  assert.ok(!field.accepts([...row, ...row, ...row]) && !field.accepts(row.slice(1)) && !field.accepts([...row.slice(1), -1e10]));
});
