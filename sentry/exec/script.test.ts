import assert from "node:assert/strict";
import { test } from "node:test";
import { ENOEXEC } from "../abi/errno.ts";
import { BINPRM_BUF_SIZE, parseScriptLine } from "./script.ts";

const parse = (text: string) => {
  const head = Buffer.alloc(BINPRM_BUF_SIZE);
  head.write(text, "latin1");
  return parseScriptLine(head);
};

test("an interpreter with and without an argument", () => {
  assert.deepEqual(parse("#!/bin/sh\necho"), { interpreter: "/bin/sh", argument: null });
  assert.deepEqual(parse("#! /usr/bin/env python3\n"), { interpreter: "/usr/bin/env", argument: "python3" });
  assert.deepEqual(parse("#!/bin/sh -e -x \t\n"), { interpreter: "/bin/sh", argument: "-e -x" });
  assert.deepEqual(parse("#!\t/bin/sh\t\t-e\n"), { interpreter: "/bin/sh", argument: "-e" });
  assert.deepEqual(parse("#!/bin/sh"), { interpreter: "/bin/sh", argument: null });
});

test("no line, no name", () => {
  assert.equal(parse("echo"), ENOEXEC);
  assert.equal(parse("#!\n/bin/sh"), ENOEXEC);
  assert.equal(parse("#!   \t\n"), ENOEXEC);
  assert.equal(parse(`#!${" ".repeat(300)}`), ENOEXEC);
});

test("a name that may be cut off is refused, a cut argument is not", () => {
  assert.equal(parse(`#!/${"a".repeat(300)}`), ENOEXEC);
  const line = parse(`#!/bin/sh ${"b".repeat(300)}`);
  assert.deepEqual(line, { interpreter: "/bin/sh", argument: "b".repeat(BINPRM_BUF_SIZE - 1 - 10) });
  // The longest name that a newline ends.
  const name = `/${"c".repeat(252)}`;
  assert.deepEqual(parse(`#!${name}\n`), { interpreter: name, argument: null });
});
