import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeFiles } from "./fake-files.ts";
import { parseHost } from "./host.ts";
import { NO_RESOURCES } from "./resources.ts";
import { CgroupSystemd, type UnitBus } from "./systemd.ts";
import { CgroupV2 } from "./v2.ts";

const ROOT = "/sys/fs/cgroup";
const PATIENCE_MS = 50;
const DIRECTORY = `${ROOT}/system.slice/a-b.scope`;

/** A systemd that knows a unit of this name in one state after another, and none when they are over; what is stopped goes on with `ending`. */
const machine = (states: string[], ending: string[] = []) => {
  let isStopped = false;
  const files = new FakeFiles(ROOT, {
    "cgroup.procs": "",
    "cgroup.controllers": "memory",
    "cgroup.subtree_control": "",
    "memory.max": "max",
  });
  const host = parseHost(`30 20 0:26 / ${ROOT} rw - cgroup2 cgroup2 rw\n`, "0::/\n");
  const calls: string[] = [];
  const names = (properties: readonly (readonly string[])[]): string => properties.map(([name]) => name).join(" ");
  const bus: UnitBus = {
    start: (_, properties) => {
      if (states.length > 0) return false;
      calls.push(`start ${names(properties)}`);
      files.makeDirectory(DIRECTORY);
      return true;
    },
    stateOf: () => (isStopped ? (ending.shift() ?? "inactive") : (states.shift() ?? "active")),
    version: () => 252,
    set: (_, properties) => calls.push(`set ${names(properties)}`),
    stop: (unit) => {
      isStopped = true;
      calls.push(`stop ${unit}`);
      return true;
    },
    forget: (unit) => calls.push(`forget ${unit}`),
  };
  const unit = { slice: "system.slice", unit: "a-b.scope", annotations: { "org.systemd.property.TimeoutStopSec": "5" } };
  const cgroup = new CgroupSystemd(new CgroupV2(files, () => host, DIRECTORY, false), unit, bus, true, () => true, PATIENCE_MS);
  return { files, calls, cgroup };
};

const STARTED =
  "start Description Slice DefaultDependencies MemoryAccounting CPUAccounting TasksAccounting IOAccounting Delegate PIDs TimeoutStopUSec";

describe("a scope", () => {
  it("is made around the first process, told its limits, and stopped", async () => {
    const { files, calls, cgroup } = machine([]);
    cgroup.create();
    assert.deepEqual([calls, cgroup.exists()], [[], false]);
    for (const pid of [41, 42]) await cgroup.join(pid);
    cgroup.set({ ...NO_RESOURCES, memory: { ...NO_RESOURCES.memory, limit: 4096 } }, null);
    assert.equal(files.read(`${DIRECTORY}/memory.max`), "4096\n");
    await cgroup.destroy();
    assert.deepEqual(calls, [STARTED, "set MemoryMax", "stop a-b.scope"]);
    assert.equal(cgroup.exists(), false);
  });

  it("is over when systemd says so, and its cgroups with it", async () => {
    const { files, calls, cgroup } = machine([], ["active", "deactivating", "failed"]);
    cgroup.create();
    await cgroup.join(41);
    files.makeDirectory(`${DIRECTORY}/inner`);
    await cgroup.destroy();
    assert.deepEqual([calls, cgroup.exists()], [[STARTED, "stop a-b.scope"], false]);
  });

  it("that systemd does not end is told", async () => {
    const { cgroup } = machine([], new Array(1000).fill("deactivating"));
    cgroup.create();
    await cgroup.join(41);
    await assert.rejects(cgroup.destroy(), /Timed out while waiting for systemd to remove a-b\.scope/);
  });

  it("waits for one of its name to go, and has a failed one forgotten", async () => {
    const { calls, cgroup } = machine(["deactivating", "failed"]);
    cgroup.create();
    await cgroup.join(41);
    assert.deepEqual(calls, ["forget a-b.scope", STARTED]);
  });

  it("that runs already is taken over", async () => {
    const { files, calls, cgroup } = machine(["active"]);
    files.makeDirectory(DIRECTORY);
    cgroup.create();
    await cgroup.join(41);
    assert.deepEqual([calls, cgroup.pids()], [[], [41]]);
  });
});
