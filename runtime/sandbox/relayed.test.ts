import assert from "node:assert/strict";
import { test } from "node:test";
import { packRelayed, unpackRelayed } from "./relayed.ts";

test("what is packed is unpacked", () => {
  const message = { kind: 98, x: 7, y: -1, text: "two\nlines" };
  assert.deepEqual(unpackRelayed(packRelayed(message)), message);
});

test("what is none is refused", () => {
  for (const text of ["", "1 2\n", "1 2 3", "a 2 3\n", "1 2 99999999999\n"]) assert.equal(unpackRelayed(text), null);
});
