/** Whatever kills a command, and however many work on one container at once: nothing is corrupted, nothing is left behind. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { describeContainers } from "../needs.ts";
import { Containers } from "./bundle.ts";
import { moatPath, run } from "./moat.ts";

const ROUNDS = 20;
const WORKERS = 4;
const STEPS = 10;
/** A command that takes longer hangs. */
const PATIENCE_MS = 60_000;

/** The same sequence in every run (a linear congruential generator). */
const random = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** A process and all below it. */
const treeOf = (pid: number): number[] => {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
    return [pid, ...children.flatMap(treeOf)];
  } catch {
    return [];
  }
};

/** Living processes that were started for this state directory. */
const survivors = (root: string): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        const isDead = /\) [ZX] /.test(readFileSync(`/proc/${name}/stat`, "latin1"));
        return !isDead && readFileSync(`/proc/${name}/cmdline`, "latin1").split("\0").includes(root);
      } catch {
        return false;
      }
    });

describeContainers("crashes and races", () => {
  const containers = new Containers();
  after(() => containers.remove());

  const start = (...args: string[]): ChildProcess =>
    spawn(moatPath, ["--root", containers.root, ...args], { stdio: "ignore", timeout: PATIENCE_MS });

  it("a command that is killed at any point leaves a container that can be deleted, or none", async () => {
    const bundle = containers.bundle(["sleep", "1000"]);
    const next = random(7);
    for (let round = 0; round < ROUNDS; round++) {
      const id = containers.id(`crash${round}`);
      const child = start(...(next() < 0.5 ? ["create"] : ["run", "-d"]), "-b", bundle, id);
      const ended = once(child, "exit");
      await pause(next() * 200);
      const processes = treeOf(child.pid as number);
      const victim = processes[Math.floor(next() * processes.length)];
      try {
        if (victim !== undefined) process.kill(victim, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
      await ended;
      const state = containers.moat("state", id);
      if (state.status === 0) assert.ok(["creating", "created", "running", "stopped"].includes(JSON.parse(state.stdout).status));
      else assert.match(state.stderr, /container does not exist/);
      assert.equal(containers.moat("list").status, 0);
      assert.deepEqual(containers.moat("delete", "--force", id), { status: 0, stdout: "", stderr: "" }, `round ${round}`);
      assert.equal(existsSync(join(containers.root, id)), false, `round ${round}`);
    }
    for (let tries = 0; survivors(containers.root).length > 0 && tries < 100; tries++) await pause(50);
    assert.deepEqual(survivors(containers.root), []);
  });

  it("a start that was killed before it had written so: the next one finds the program running", () => {
    const id = containers.id("half-started");
    const bundle = containers.bundle(["sleep", "1000"]);
    assert.equal(run("sh", ["-c", `exec ./moat --root ${containers.root} create -b ${bundle} ${id} >/dev/null 2>&1 </dev/null`]).status, 0);
    const file = join(containers.root, id, "state.json");
    const created = readFileSync(file);
    assert.equal(containers.moat("start", id).status, 0);
    writeFileSync(file, created);
    assert.match(containers.moat("start", id).stderr, /cannot start an already running container/);
    assert.equal(containers.state(id).status, "running");
    assert.equal(containers.moat("exec", id, "echo", "in").stdout, "in\n");
    assert.equal(containers.moat("delete", "--force", id).status, 0);
  });

  it("concurrent commands on one container", async () => {
    const bundle = containers.bundle(["sleep", "1000"]);
    const id = containers.id("race");
    const choices = [
      ["create", "-b", bundle, id],
      ["run", "-d", "-b", bundle, id],
      ["start", id],
      ["kill", id, "KILL"],
      ["delete", id],
      ["delete", "--force", id],
      ["exec", id, "true"],
      ["state", id],
      ["list", "--format", "json"],
    ];
    const work = async (seed: number): Promise<void> => {
      const next = random(seed);
      for (let step = 0; step < STEPS; step++) {
        const args = choices[Math.floor(next() * choices.length)];
        const isAsking = args[0] === "state" || args[0] === "list";
        const stdio = ["ignore", isAsking ? "pipe" : "ignore", "ignore"] as const;
        const child = spawn(moatPath, ["--root", containers.root, ...args], { stdio: [...stdio], timeout: PATIENCE_MS });
        let output = "";
        child.stdout?.on("data", (text: Buffer) => {
          output += text.toString();
        });
        const [status] = await once(child, isAsking ? "close" : "exit");
        assert.ok(status === 0 || status === 1 || (args[0] === "exec" && [137, 255].includes(status as number)), `${args[0]}: ${status}`);
        if (isAsking && status === 0) assert.doesNotThrow(() => JSON.parse(output), output);
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, (_, index) => work(index + 1)));
    assert.equal(containers.moat("delete", "--force", id).status, 0);
    assert.deepEqual(readdirSync(containers.root), []);
    // And the name is as good as new.
    assert.deepEqual(run(moatPath, ["--root", containers.root, "run", "-b", containers.bundle(["echo", "new"]), id]).stdout, "new\n");
    for (let tries = 0; survivors(containers.root).length > 0 && tries < 100; tries++) await pause(50);
    assert.deepEqual(survivors(containers.root), []);
  });
});
