/** moat install and uninstall, with a configuration of the test's own. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { moat, moatPath } from "./moat.ts";

const directory = mkdtempSync(join(tmpdir(), "moat-install-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const file = join(directory, "etc/daemon.json");
const config = (): Record<string, unknown> => JSON.parse(readFileSync(file, "utf8"));

test("install adds the runtime with its flags and prints the other engines' lines; uninstall removes it", () => {
  const first = moat("install", "--config-file", file, "--runtime", "fence", "--", "--debug", "--root", "/run/other");
  assert.equal(first.status, 0);
  assert.equal(first.stderr, "");
  assert.deepEqual(config(), { runtimes: { fence: { path: moatPath, runtimeArgs: ["--debug", "--root", "/run/other"] } } });
  assert.match(first.stdout, new RegExp(`BinaryName = "${moatPath}"`));
  assert.match(first.stdout, new RegExp(`fence = \\["${moatPath}"\\]`));
  assert.match(
    moat("install", "--config-file", file, "--runtime", "fence", "--", "--debug", "--root", "/run/other").stdout,
    /was there already/,
  );
  assert.equal(moat("uninstall", "--config-file", file, "--runtime", "fence").status, 0);
  assert.deepEqual(config(), {});
  assert.match(moat("uninstall", "--config-file", file).stdout, /has no runtime moat/);
});

test("a flag that Moat does not know is not written", () => {
  const other = join(directory, "other.json");
  const refused = moat("install", "--config-file", other, "--", "--no-such");
  assert.deepEqual([refused.status, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /^moat: .*--no-such/);
  assert.equal(moat("install", "--config-file", other, "--", "word").status, 1);
  assert.equal(existsSync(other), false);
});
