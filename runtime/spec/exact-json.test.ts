import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExactly } from "./exact-json.ts";

test("long integers are exact, all else is as JSON.parse has it", () => {
  const json = '{"a": 18446744073709551615, "b": [9007199254740993], "c": "18446744073709551615", "d": 1234567890123456.5, "e\\"1": 12}';
  assert.deepEqual(parseExactly(json), {
    a: 18446744073709551615n,
    b: [9007199254740993n],
    c: "18446744073709551615",
    d: 1234567890123456.5,
    'e"1': 12,
  });
  assert.deepEqual(parseExactly('{"a": [1, null, "x"]}'), { a: [1, null, "x"] });
  assert.throws(() => parseExactly('{"a": 18446744073709551615'), SyntaxError);
});
