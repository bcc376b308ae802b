/** What the launcher does without Node (native/launcher/quick.h) is what the CLI does. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { describeContainers } from "../needs.ts";
import { Containers } from "./bundle.ts";
import { launcherPath, moatPath, root } from "./moat.ts";

describeContainers("containers without Node", () => {
  const containers = new Containers();
  after(() => containers.remove());

  /** The launcher, without a Node to fall back to. */
  const quick = (...args: string[]): { status: number | null; stdout: string } => {
    const fixed = ["/nonexistent/node", join(root, "dist"), "--root", containers.root, "--log-format=json", "--log", "/dev/null"];
    const { status, stdout } = spawnSync(launcherPath, [...fixed, ...args], {
      stdio: ["ignore", "pipe", "ignore"],
      encoding: "latin1",
      timeout: 30_000,
    });
    return { status, stdout };
  };
  /** By a flag that only the CLI understands. */
  const slow = (...args: string[]): string => containers.moat("--rootless=auto", ...args).stdout;
  const create = (id: string, bundle: string): void => {
    const args = ["--root", containers.root, "create", "-b", bundle, id];
    assert.equal(spawnSync(moatPath, args, { stdio: "ignore", timeout: 60_000 }).status, 0);
  };
  const done = { status: 0, stdout: "" };

  it("start, state, kill and delete", () => {
    const id = containers.id("quick");
    const bundle = containers.bundle(["sh", "-c", 'trap "exit 7" USR2; while true; do sleep 0.1; done'], (config) => {
      config.annotations = { 'a "b"\\': "\u00e4\n{}", status: "created", pid: '"pid":1' };
    });
    create(id, bundle);
    const states = [quick("state", id).stdout];
    assert.equal(states[0], slow("state", id));
    assert.equal(quick("delete", id).status, 125, "deleting what lives is the CLI's");
    assert.deepEqual(quick("start", id), done);
    assert.equal(quick("start", id).status, 125, "a second start is an error, which the CLI reports");
    states.push(quick("state", id).stdout);
    assert.equal(states[1], slow("state", id));
    assert.deepEqual(quick("kill", id, "WINCH"), done);
    assert.deepEqual(quick("kill", "--all", id, "SIGusr2"), done);
    assert.equal(containers.moat("wait", id).stdout, `{"id":"${id}","exitStatus":7}\n`);
    states.push(quick("state", id).stdout);
    assert.equal(states[2], slow("state", id));
    assert.deepEqual(
      states.map((text) => JSON.parse(text).status),
      ["created", "running", "stopped"],
    );
    assert.equal(quick("kill", id, "KILL").status, 125);
    assert.deepEqual(quick("delete", id), done);
    assert.equal(existsSync(join(containers.root, id)), false);
    assert.equal(quick("state", id).status, 125);
    assert.deepEqual(quick("delete", "--force", id), done);
  });

  it("KILL ends it, and hooks and unknown words are the CLI's", () => {
    const id = containers.id("hooked");
    const bundle = containers.bundle(["sleep", "1000"], (config) => {
      config.hooks = { poststart: [{ path: "/bin/true" }], poststop: [{ path: "/bin/true" }] };
    });
    create(id, bundle);
    assert.equal(quick("start", id).status, 125);
    assert.equal(containers.moat("start", id).status, 0);
    assert.equal(quick("kill", id, "NOSUCH").status, 125);
    assert.equal(quick("kill", id, "-9").status, 125);
    assert.equal(quick("--debug", "state", id).status, 125);
    assert.equal(quick("state", "..").status, 125);
    assert.deepEqual(quick("kill", id, "9"), done);
    assert.equal(containers.moat("wait", id).stdout, `{"id":"${id}","exitStatus":137}\n`);
    assert.equal(quick("delete", id).status, 125);
    assert.equal(containers.moat("delete", id).status, 0);
  });
});
