/**
 * Every program in programs/ runs on the host first and in a sandbox second and must print the
 * same and end the same. C programs are compiled once; *.py and *.sh run under the host's
 * interpreters, which are the sandbox's too. A first line with "args:" adds flags of `moat do`.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import { after, before, describe, it } from "node:test";

const root = process.env.MOAT_ROOT ?? process.cwd();
const programs = join(root, "test/conformance/programs");
const TIMEOUT_MS = 60_000;
let directory = "";

const compile = (source: string, to: string): void => {
  execFileSync("cc", ["-O1", "-std=gnu11", "-Wall", "-Werror", "-o", to, source, "-lpthread", "-lrt", "-lm"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
};

/** What to run for a program file, in any directory. */
const command = (name: string): string[] => {
  const source = join(programs, name);
  switch (extname(name)) {
    case ".c": {
      const program = join(directory, basename(name, ".c"));
      compile(source, program);
      return [program];
    }
    case ".py":
      return ["/usr/bin/python3", source];
    case ".sh":
      return ["/bin/bash", source];
    default:
      throw new Error(`${name}: no way to run it`);
  }
};

/** Under a shell, so that the program is neither pid 1 nor the leader of its session, here as there. */
const underShell = (argv: string[]): string[] => ["/bin/sh", "-c", '"$0" "$@"; exit $?', ...argv];

const flagsOf = (name: string): string[] => {
  const match = /moat do flags: (.*)/.exec(readFileSync(join(programs, name), "utf8").split("\n", 3).join("\n"));
  return match ? match[1].replace(/\*\/$/, "").trim().split(" ") : [];
};

const run = (argv: string[]): { stdout: string; stderr: string; ended: string } => {
  const work = mkdtempSync(join(directory, "run-"));
  const env = { PATH: process.env.PATH ?? "", HOME: work, TERM: "dumb", LANG: "C.UTF-8" };
  const result = spawnSync(argv[0], argv.slice(1), {
    cwd: work,
    env,
    encoding: "latin1",
    input: "",
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  const ended = result.error ? String(result.error) : result.signal ? `status ${128 + signals[result.signal]}` : `status ${result.status}`;
  return { stdout: result.stdout, stderr: result.stderr, ended };
};

const signals: Record<string, number> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

describe("conformance", { concurrency: 2 }, () => {
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "moat-conformance-"));
  });
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const only = process.env.MOAT_CONFORMANCE?.split(",");
  for (const name of readdirSync(programs).sort()) {
    if (only && !only.includes(name)) continue;
    // What uses the network uses the sandbox's own loopback, and the host's.
    const networks = /^socket-(?!unix)/.test(name) ? ["none", "host"] : ["none"];
    it(name, () => {
      const argv = underShell(command(name));
      const expected = run(argv);
      for (const network of networks) {
        const found = run([join(root, "moat"), "do", "--network", network, ...flagsOf(name), "--", ...argv]);
        const where = `network ${network}: standard error was:\n${found.stderr}`;
        assert.equal(found.stdout, expected.stdout, `standard output differs; ${where}`);
        assert.equal(found.ended, expected.ended, `the end differs; ${where}`);
      }
    });
  }
});
