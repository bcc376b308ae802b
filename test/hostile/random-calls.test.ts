/** Random system calls with nearly right arguments: a guest may harm itself, and nothing else. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

const root = process.env.MOAT_ROOT ?? process.cwd();
const SEEDS = 8;
const CALLS = 1500;
const TIMEOUT_MS = 150_000;
let directory = "";

describe("hostile guests", () => {
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "moat-hostile-"));
    const flags = ["-O1", "-std=gnu11", "-Wall", "-Wno-unused-result", "-Werror"];
    execFileSync("cc", [...flags, "-o", join(directory, "random-calls"), join(root, "test/hostile/random-calls.c")]);
  });
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  for (const first of [1, 1001]) {
    it(`seeds ${first} to ${first + SEEDS - 1} leave the sandbox alive`, () => {
      const argv = ["do", "--", join(directory, "random-calls"), `${first}`, `${SEEDS}`, `${CALLS}`];
      const result = spawnSync(join(root, "moat"), argv, { encoding: "utf8", input: "", timeout: TIMEOUT_MS, killSignal: "SIGKILL" });
      assert.equal(result.stderr, "");
      assert.equal(result.stdout, "done\n");
      assert.equal(result.status, 0);
    });
  }
});
