import assert from "node:assert/strict";
import { test } from "node:test";
import { flagSets } from "./flags/index.ts";
import type { Arg, Signature } from "./kinds.ts";
import { X86_64_COUNT, x86_64 } from "./numbers/x86_64.ts";
import { signatures } from "./signatures/index.ts";

const rows = Object.entries(signatures) as [string, Signature][];

const eachArg = function* (): Generator<[where: string, arg: Arg, siblings: readonly Arg[]]> {
  for (const [name, { args }] of rows) for (const arg of args) yield [`${name}.${arg.name}`, arg, args];
};

test("every number has a signature, and every signature a number", () => {
  assert.deepEqual(rows.map(([name]) => name).sort(), Object.values(x86_64).sort());
});

test("numbers are dense where Linux's are, and end where the count says", () => {
  const numbers = Object.keys(x86_64).map(Number);
  assert.equal(Math.max(...numbers) + 1, X86_64_COUNT);
  for (let nr = 0; nr <= 334; nr++) assert.ok(nr in x86_64, String(nr));
  for (let nr = 424; nr < X86_64_COUNT; nr++) assert.ok(nr in x86_64, String(nr));
});

test("a signature has at most six arguments, of different names", () => {
  for (const [name, { args }] of rows) {
    assert.ok(args.length <= 6, name);
    assert.equal(new Set(args.map((arg) => arg.name)).size, args.length, name);
  }
});

test("every length names a sibling that is an integer or a pointer to one", () => {
  const lengths = new Set(["int", "uint", "long", "ulong", "size", "inOutStruct"]);
  for (const [where, arg, siblings] of eachArg()) {
    if (arg.length === undefined) continue;
    const sibling = siblings.find(({ name }) => name === arg.length);
    assert.ok(sibling !== undefined && lengths.has(sibling.kind), where);
  }
});

test("every named set exists", () => {
  for (const [where, arg] of eachArg()) {
    if (arg.kind !== "flags" && arg.kind !== "int") continue;
    if (arg.kind === "flags") assert.ok(arg.of, where);
    if (arg.of !== undefined) assert.ok(flagSets[arg.of], `${where}: ${arg.of}`);
  }
});

test("buffers, structs, arrays and strings state their extent", () => {
  for (const [where, { kind, length, size, max, of }] of eachArg()) {
    if (kind.endsWith("Bytes") || kind.startsWith("iov") || kind.endsWith("Array")) {
      if (kind !== "stringArray") assert.ok(length, where);
    }
    if (kind.endsWith("Struct") || kind === "inArray" || kind === "outArray" || kind === "inOutArray") assert.ok(size && of, where);
    if (kind === "string") assert.ok(max, where);
  }
});

test("flag bits are positive words, each bit of one meaning unless it is part of a named combination", () => {
  for (const [name, set] of Object.entries(flagSets)) {
    if (set?.kind !== "flags") continue;
    let seen = 0;
    for (const [bit, value] of set.bits) {
      assert.ok(value > 0 && value <= 0xffff_ffff, `${name}: ${bit}`);
      assert.notEqual(value & ~seen, 0, `${name}: ${bit} comes after its parts`);
      seen |= (value & (value - 1)) === 0 ? value : 0;
    }
  }
});
