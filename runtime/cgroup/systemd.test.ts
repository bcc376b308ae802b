import assert from "node:assert/strict";
import { it } from "node:test";
import { NO_RESOURCES } from "./resources.ts";
import { limitProperties } from "./systemd.ts";

const resources = {
  ...NO_RESOURCES,
  memory: { ...NO_RESOURCES.memory, limit: 1000, reservation: 500 },
  cpu: { ...NO_RESOURCES.cpu, shares: 1024, quota: 55_555, period: 100_000, cpus: "0,9" },
  pids: -1,
};

it("systemd hears of the limits in its own terms, v2's and v1's", () => {
  assert.deepEqual(limitProperties(resources, true), [
    ["MemoryMax", "t", "1000"],
    ["MemoryLow", "t", "500"],
    ["CPUWeight", "t", "39"],
    // systemd rounds to hundredths of a second.
    ["CPUQuotaPerSecUSec", "t", "560000"],
    ["CPUQuotaPeriodUSec", "t", "100000"],
    ["AllowedCPUs", "ay", "2", "1", "2"],
    ["TasksMax", "t", "18446744073709551615"],
  ]);
  assert.deepEqual(limitProperties(resources, false).slice(0, 2), [
    ["MemoryLimit", "t", "1000"],
    ["CPUShares", "t", "1024"],
  ]);
  assert.deepEqual(limitProperties(NO_RESOURCES, true), []);
});
