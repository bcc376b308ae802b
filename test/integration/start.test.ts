import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
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

  it("leaves /tmp as it is where others than root cannot reach the programs", () => {
    const { stdout } = run(launcher, [process.execPath, join(directory, "dist"), "do", "--", "ls", directory]);
    assert.equal(stdout, "dist\nnode_modules\nother\n");
  });
});
