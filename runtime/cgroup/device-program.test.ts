/** On the kernel's own: a v2 hierarchy is on most machines, also beside v1. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmdirSync } from "node:fs";
import { describe, it } from "node:test";
import { applyDevicesV2 } from "./device-program.ts";
import { readCgroupHost } from "./host.ts";
import type { DeviceRule } from "./resources.ts";

const mountPoint = readCgroupHost().unified?.mountPoint;
const isPossible = mountPoint !== undefined && process.getuid?.() === 0;
const rule = (allow: boolean, minor: number | null): DeviceRule => ({
  allow,
  type: minor === null ? "a" : "c",
  major: minor === null ? null : 1,
  minor,
  access: "rwm",
});

// No package brings a v2 hierarchy, and the kernel lets none but root load the program: devices.test.ts has the rest.
describe("a cgroup's device program", { skip: !isPossible && "no cgroup v2 that root may change" }, () => {
  it("opens and forbids devices, and is replaced as a whole", () => {
    const directory = `${mountPoint}/moat-test-devices-${process.pid}`;
    mkdirSync(directory);
    const opens = (device: string): boolean =>
      spawnSync("/bin/sh", ["-c", `echo $$ > ${directory}/cgroup.procs && exec < ${device}`], { timeout: 10_000 }).status === 0;
    try {
      applyDevicesV2(directory, [rule(false, null), rule(true, 3)]);
      assert.deepEqual([opens("/dev/null"), opens("/dev/zero")], [true, false]);
      applyDevicesV2(directory, [rule(false, null), rule(true, 5)]);
      assert.deepEqual([opens("/dev/null"), opens("/dev/zero")], [false, true]);
    } finally {
      rmdirSync(directory);
    }
  });
});
