import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { getPriority, setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { launcherPath, root } from "./moat.ts";

const dist = join(root, "dist");

/** Key=value records; the config parsed. */
const records = (bytes: Buffer): unknown[] =>
  bytes
    .toString("latin1")
    .split("\0")
    .map((record) => (record.startsWith("config=") ? JSON.parse(record.slice("config=".length)) : record));

interface Surroundings {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

/** What the launcher asks for without the CLI; null: it would ask the CLI. */
const plain = (args: readonly string[], options: Surroundings = {}): unknown[] | null => {
  const { status, stdout, stderr } = spawnSync(launcherPath, [process.execPath, dist, "--plain-request", ...args], {
    ...options,
    stdio: ["ignore", "pipe", "pipe"],
  });
  assert.equal(stderr.toString(), "");
  return status === 0 ? records(stdout) : null;
};

const byCli = (args: readonly string[], options: Surroundings = {}): unknown[] => {
  const { output } = spawnSync(process.execPath, [join(dist, "cli.cjs"), ...args], {
    ...options,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  assert.equal(String(output[2]), "");
  return records(output[3] ?? Buffer.alloc(0));
};

const same = (args: readonly string[], options: Surroundings = {}): void => {
  const own = plain(args, options);
  assert.notEqual(own, null);
  assert.deepEqual(own, byCli(args, options));
};

describe("`do` without flags asks for what the CLI would ask for", () => {
  let directory = "";
  const priority = getPriority();
  before(() => {
    // A nice caller's request is the CLI's; these tests may have been started by one (who is root: others keep their niceness).
    if (priority !== 0) setPriority(0);
    directory = mkdtempSync(join(tmpdir(), "moat-plain-"));
    mkdirSync(join(directory, 'caf\u00e9 "\\\n'));
  });
  after(() => {
    if (priority !== 0) setPriority(priority);
    rmSync(directory, { recursive: true, force: true });
  });

  it("with and without --", () => {
    same(["do", "true"]);
    same(["do", "--", "sh", "-c", "exit 3", "", "--", "-x"]);
  });

  it("whatever bytes there are", () => {
    same(["do", "printf", 'caf\u00e9 "quoted" \\ \t\n\u007f\u0001'], { cwd: join(directory, 'caf\u00e9 "\\\n') });
  });

  it("with the variables that are passed on, and no others", () => {
    const { PATH } = process.env;
    same(["do", "env"], { env: { PATH, HOME: "/h\u00e9", TERM: "", LANG: 'a"b', OTHER: "x" } });
    same(["do", "env"], { env: { PATH } });
    same(["do", "env"], { env: {} });
  });

  // Only root can start a command as somebody else; everybody else compares the request of who runs the tests.
  it("as another user", () => {
    const others = process.geteuid?.() === 0 ? [{ uid: 65534, gid: 65533 }, { gid: 7 }] : [{}];
    for (const other of others) same(["do", "id"], other);
  });

  it("with the umask and on the CPUs of its caller", () => {
    const through = (args: readonly string[], program: readonly string[]): (Buffer | null)[] =>
      spawnSync("taskset", ["-c", "0", "sh", "-c", 'umask 027; exec "$@"', "sh", ...program, ...args], {
        stdio: ["ignore", "pipe", "pipe", "pipe"],
      }).output;
    const own = through(["--plain-request", "do", "true"], [launcherPath, process.execPath, dist])[1] ?? Buffer.alloc(0);
    const other = through(["do", "true"], [process.execPath, join(dist, "cli.cjs")])[3] ?? Buffer.alloc(0);
    assert.deepEqual(records(own), records(other));
    assert.match(own.toString("latin1"), /"umask":23,.*"cpus":\[0\]/);
  });

  it("and leaves all else to the CLI", () => {
    const nice = spawnSync("nice", ["-n", "1", launcherPath, process.execPath, dist, "--plain-request", "do", "true"]);
    assert.deepEqual([nice.status === 0, String(nice.stdout)], [false, ""]);
    for (const args of [["do"], ["do", "--"], ["do", "--strace", "true"], ["do", "--", "-x"], ["do", ""], ["--version"], ["run", "c"]])
      assert.equal(plain(args), null, args.join(" "));
  });
});
