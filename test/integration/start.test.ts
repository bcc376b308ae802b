import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { launcherPath as launcher, root, run } from "./moat.ts";

const isSnapshot = (name: string): boolean => name.endsWith(".snapshot");

describe("the start from snapshots", () => {
  let directory = "";
  before(() => {
    // As root the sentry runs as nobody, for whom this is out of reach; what is in it is not.
    directory = join(mkdtempSync(join(tmpdir(), "moat-start-")), "moat");
    cpSync(join(root, "dist"), join(directory, "dist"), { recursive: true, filter: (path) => !isSnapshot(path) });
    cpSync(join(root, "node_modules/@koromix"), join(directory, "node_modules/@koromix"), { recursive: true });
  });
  after(() => {
    rmSync(dirname(directory), { recursive: true, force: true });
  });

  it("has one for each program, by the name that the launcher looks for", () => {
    const { stdout } = run(launcher, [process.execPath, join(root, "dist"), "--start-of-node"]);
    const [key] = stdout.split("\n");
    assert.match(key, /^[0-9a-f]{16}$/);
    assert.deepEqual(
      readdirSync(join(root, "dist")).filter(isSnapshot).sort(),
      ["cli", "gofer", "sentry"].map((name) => `${name}.${key}.snapshot`),
    );
  });

  it("works without them, as with another Node than the build's", () => {
    const withoutSnapshots = run(launcher, [process.execPath, join(directory, "dist"), "do", "--", "echo", "hello"]);
    assert.deepEqual(withoutSnapshots, { status: 0, stdout: "hello\n", stderr: "" });
  });

  it("takes no snapshot that is not for this Node", () => {
    const other = join(directory, "other");
    mkdirSync(other);
    // The same program, but another file.
    cpSync(process.execPath, join(other, "node"));
    const result = run(launcher, [join(other, "node"), join(root, "dist"), "do", "--", "echo", "hello"]);
    assert.deepEqual(result, { status: 0, stdout: "hello\n", stderr: "" });
  });

  it("has the script build again when a source that the stamp lists is newer, and asks once only", () => {
    const dist = join(directory, "dist");
    const start = (env: NodeJS.ProcessEnv = {}): string =>
      run(launcher, [process.execPath, dist, "do", "--", "echo", "hello"], { env: { ...process.env, ...env } }).stdout;
    writeFileSync(join(directory, "source.ts"), "");
    writeFileSync(join(directory, "moat"), '#!/bin/sh\necho "stale=$MOAT_IS_STALE $*"\n', { mode: 0o755 });
    writeFileSync(join(dist, ".stamp"), "gone.ts\nsource.ts\n");
    utimesSync(join(directory, "source.ts"), 1e9, 1e9);
    assert.equal(start(), "hello\n");
    utimesSync(join(directory, "source.ts"), 3e9, 3e9);
    assert.equal(start(), "stale=1 do -- echo hello\n");
    assert.equal(start({ MOAT_IS_BUILT: "1" }), "hello\n");
    utimesSync(join(directory, "source.ts"), 1e9, 1e9);
  });

  it("leaves /tmp as it is where others than root cannot reach the programs", () => {
    const { stdout } = run(launcher, [process.execPath, join(directory, "dist"), "do", "--", "ls", directory]);
    assert.match(stdout, /^dist\n(?:.*\n)*node_modules\n/);
  });
});
