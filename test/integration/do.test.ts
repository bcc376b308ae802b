import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { moat, moatPath, run } from "./moat.ts";

describe("moat do", { concurrency: 2 }, () => {
  let directory = "";
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "moat-do-"));
  });
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  for (const [what, args, status, message] of [
    ["a program's own", ["sh", "-c", "exit 9"], 9, ""],
    ["128+n after a signal", ["sh", "-c", "kill -9 $$"], 137, ""],
    ["also after one that a shell would pass on", ["sh", "-c", "kill -TERM $$"], 143, ""],
    ["127 for what is not there", ["no-such-program"], 127, "moat: no-such-program: No such file or directory\n"],
    ["126 for what is no program", ["/etc/passwd"], 126, "moat: /etc/passwd: Permission denied\n"],
    ["125 for an unknown flag", ["--no-such-flag", "true"], 125, "moat: unknown option '--no-such-flag'\n"],
    ["125 for a missing root", ["--root", "/no/such", "true"], 125, "moat: --root /no/such: No such file or directory\n"],
    [
      "125 for a log that cannot be written",
      ["--debug-log", "/no/such", "true"],
      125,
      "moat: --debug-log /no/such: No such file or directory\n",
    ],
  ] as [string, string[], number, string][]) {
    it(`exit status: ${what}`, () => {
      assert.deepEqual(moat("do", ...args), { status, stdout: "", stderr: message });
    });
  }

  it("has the caller's umask and nice value", () => {
    const inside = (command: string) => run("sh", ["-c", `umask 057; exec nice -n 3 ${command} sh -c "umask; nice"`]).stdout;
    assert.match(inside(""), /^0057\n[0-9]+\n$/);
    assert.equal(inside(`"${moatPath}" do`), inside(""));
  });

  it("passes bytes through as they are", () => {
    assert.deepEqual(run(moatPath, ["do", "cat"], { input: "a\0b\xff\n" }), { status: 0, stdout: "a\0b\xff\n", stderr: "" });
    const inArguments = run("sh", [
      "-c",
      `x=$(printf '\\351\\377'); exec ${moatPath} do --env "X=$x" sh -c 'printf %s.%s "$X" "$1"' sh "$x"`,
    ]);
    assert.equal(inArguments.stdout, "\xe9\xff.\xe9\xff");
  });

  it("passes on PATH, HOME, TERM and LANG, and nothing else", () => {
    const env = { PATH: process.env.PATH ?? "", HOME: "/h", TERM: "t", LANG: "C.UTF-8", SECRET: "s", NODE_OPTIONS: "--no-such-option" };
    const result = run(moatPath, ["do", "--env", "A=1", "--env", "HOME=/other", "env"], { env });
    assert.deepEqual(result.stdout.trimEnd().split("\n").sort(), ["A=1", "HOME=/other", "LANG=C.UTF-8", `PATH=${env.PATH}`, "TERM=t"]);
  });

  it("starts in the current directory, or where it is told", () => {
    mkdirSync(join(directory, "caf\u00e9"));
    const here = run(moatPath, ["do", "pwd", "-P"], { cwd: join(directory, "caf\u00e9") });
    assert.equal(Buffer.from(here.stdout, "latin1").toString("utf8"), `${directory}/caf\u00e9\n`);
    assert.equal(moat("do", "--workdir", "/usr", "pwd", "-P").stdout, "/usr\n");
  });

  it("writes nothing to the host but into writable volumes", () => {
    mkdirSync(join(directory, "rw"));
    mkdirSync(join(directory, "ro"));
    const script = `echo 1 > ${directory}/own && cat ${directory}/own && echo 2 > /rw/file; (echo 3 > /ro/file) 2>/dev/null || echo refused`;
    const result = moat("do", "--volume", `${directory}/rw:/rw`, "--volume", `${directory}/ro:/ro:ro`, "sh", "-c", script);
    assert.deepEqual(result, { status: 0, stdout: "1\nrefused\n", stderr: "" });
    assert.equal(existsSync(join(directory, "own")), false);
    assert.equal(readFileSync(join(directory, "rw/file"), "utf8"), "2\n");
    assert.equal(existsSync(join(directory, "ro/file")), false);
  });

  it("shows a single file as a volume", () => {
    writeFileSync(join(directory, "one"), "content\n");
    assert.equal(moat("do", "--volume", `${directory}/one:/etc/hostname:ro`, "cat", "/etc/hostname").stdout, "content\n");
  });

  it("runs as another user, under another name", () => {
    assert.equal(
      moat("do", "--user", "1234:567", "--hostname", "elsewhere", "sh", "-c", "id -u; id -g; hostname").stdout,
      "1234\n567\nelsewhere\n",
    );
  });

  it("prints system calls where it is told", () => {
    const log = join(directory, "strace");
    const result = moat("do", "--strace=openat,exit_group", "--strace-log", log, "cat", "/etc/hostname");
    assert.deepEqual([result.status, result.stderr], [0, ""]);
    const names = new Set(
      readFileSync(log, "latin1")
        .trimEnd()
        .split("\n")
        .map((line) => /(\w+)\(/.exec(line)?.[1]),
    );
    assert.deepEqual([...names].sort(), ["exit_group", "openat"]);
  });

  it("has only a loopback network", () => {
    const { stdout } = moat("do", "cat", "/proc/net/dev");
    assert.deepEqual(stdout.match(/^ *\w+(?=:)/gm), ["    lo"]);
    const refused = moat("do", "--network", "bridge", "true");
    assert.equal(refused.status, 125);
    assert.match(refused.stderr, /^moat: .*--network.*\n$/);
  });
});

describe("moat", () => {
  it("knows its version and explains itself", () => {
    assert.deepEqual(moat("--version"), { status: 0, stdout: "0.1.0\n", stderr: "" });
    assert.match(moat("--help").stdout, /^Usage: moat /);
    assert.match(moat("do", "--help").stdout, /--volume <host:guest\[:ro\]>/);
    assert.equal(moat("no-such-command").status, 125);
  });
});
