import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseVariant, VariantError } from "./variant.ts";

const both = (text: string): [string, readonly string[]] => {
  const { type, words } = parseVariant(text);
  return [type, words];
};

describe("GVariant's text format", () => {
  it("numbers are int32 or double, or what is declared", () => {
    assert.deepEqual(both(" 5 "), ["i", ["5"]]);
    assert.deepEqual(both("-0x10"), ["i", ["-16"]]);
    assert.deepEqual(both("010"), ["i", ["8"]]);
    assert.deepEqual(both("1.50"), ["d", ["1.5"]]);
    assert.deepEqual(both("uint64 18446744073709551615"), ["t", ["18446744073709551615"]]);
    assert.deepEqual(both("@y 0xff"), ["y", ["255"]]);
    assert.deepEqual(both("double 3"), ["d", ["3"]]);
  });

  it("strings have either quotes, and escapes", () => {
    assert.deepEqual(both(`'it\\'s "so"'`), ["s", [`it's "so"`]]);
    assert.deepEqual(both('"a\\tb\\u00e9\\U0001f600"'), ["s", ["a\tbé😀"]]);
    assert.deepEqual(both("objectpath '/a'"), ["o", ["/a"]]);
    assert.deepEqual(both("b'a\\x01\\7'"), ["ay", ["4", "97", "1", "7", "0"]]);
    assert.deepEqual(both("true"), ["b", ["true"]]);
  });

  it("arrays, dictionaries and variants have the type of what is in them", () => {
    assert.deepEqual(both("['a', 'b']"), ["as", ["2", "a", "b"]]);
    assert.deepEqual(both("@as []"), ["as", ["0"]]);
    assert.deepEqual(both("[1, uint16 2]"), ["aq", ["2", "1", "2"]]);
    assert.deepEqual(both("[1, 2.5]"), ["ad", ["2", "1", "2.5"]]);
    assert.deepEqual(both("[[], ['x']]"), ["aas", ["2", "0", "1", "x"]]);
    assert.deepEqual(both("{'a': <5>, 'b': <'c'>}"), ["a{sv}", ["2", "a", "i", "5", "b", "s", "c"]]);
    assert.deepEqual(both("@a{su} {'a': 1}"), ["a{su}", ["1", "a", "1"]]);
  });

  it("what is not in it is refused", () => {
    const bad = [
      "",
      "nonsense",
      "'open",
      "uint64 x",
      "uint64 -1",
      "byte 256",
      "2147483648",
      "[1, 'a']",
      "[1",
      "[]",
      "1 2",
      "{1}",
      "(1, 2)",
    ];
    bad.push("uint32 'a'", "@s 5", "int16 uint16 5", "'\\u12'", "@a(ss) []", `${"[".repeat(40)}1${"]".repeat(40)}`, "constructor 5");
    for (const text of bad) assert.throws(() => parseVariant(text), VariantError, text);
  });
});
