import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { addDoOptions, type DoOptions, withBareStrace } from "./do-options.ts";

const parse = (...args: string[]): { options: DoOptions; operands: string[] } => {
  const command = addDoOptions(
    new Command("do")
      .argument("<CMD>")
      .argument("[ARG...]")
      .passThroughOptions()
      .exitOverride()
      .configureOutput({ writeErr: () => {} }),
  );
  command.parse(withBareStrace(command, args), { from: "user" });
  return { options: command.opts() as DoOptions, operands: command.args };
};

test("flags end at the program's name", () => {
  const { options, operands } = parse("--env", "A=1", "--env", "B=x=y", "ls", "--env", "C=3", "--", "-l");
  assert.deepEqual(options.env, ["A=1", "B=x=y"]);
  assert.deepEqual(operands, ["ls", "--env", "C=3", "--", "-l"]);
  assert.deepEqual(parse("--", "--root").operands, ["--root"]);
});

test("--strace takes names only after =", () => {
  assert.equal(parse("--strace", "ls").options.strace, "");
  assert.deepEqual(parse("--strace", "ls").operands, ["ls"]);
  assert.equal(parse("--strace=read,write", "ls").options.strace, "read,write");
  assert.deepEqual(parse("--workdir", "/x", "--strace", "--", "ls", "--strace").operands, ["ls", "--strace"]);
  assert.equal(parse("ls").options.strace, undefined);
});

test("volumes and users", () => {
  assert.deepEqual(parse("--volume", "/a:/b", "--volume", "c:/d:ro", "ls").options.volume, [
    { host: "/a", guest: "/b", readOnly: false },
    { host: "c", guest: "/d", readOnly: true },
  ]);
  assert.deepEqual(parse("--user", "7:8", "ls").options.user, { uid: 7, gid: 8 });
  assert.deepEqual(parse("--user", "7", "ls").options.user, { uid: 7, gid: null });
});

test("what cannot be is refused", () => {
  for (const [flag, value] of [
    ["--volume", "/a"],
    ["--volume", "/a:b"],
    ["--volume", "/a:/b:rx"],
    ["--user", "root"],
    ["--user", "4294967295"],
    ["--user", "1:2:3"],
    ["--env", "A"],
    ["--env", "=1"],
    ["--network", "bridge"],
    ["--platform", "kvm"],
    ["--workdir", "x"],
    ["--log-level", "loud"],
    ["--hostname", ""],
  ]) {
    assert.throws(() => parse(flag, value, "ls"), { exitCode: 1 }, `${flag} ${value}`);
  }
});
