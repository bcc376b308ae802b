import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DeviceRule, NO_RESOURCES, type Resources } from "./resources.ts";
import { unitPath } from "./systemd-bus.ts";
import { annotatedProperties, deviceProperties, limitProperties } from "./systemd-properties.ts";

const resources: Resources = {
  ...NO_RESOURCES,
  memory: { ...NO_RESOURCES.memory, limit: 1000, reservation: 500, swap: 1400 },
  cpu: { ...NO_RESOURCES.cpu, shares: 1024, quota: 55_555, period: 100_000, cpus: "0,9" },
  blockIo: { ...NO_RESOURCES.blockIo, weight: 300 },
  pids: -1,
};

describe("a unit's limits", () => {
  it("are told in v2's terms", () => {
    assert.deepEqual(limitProperties(resources, true), [
      ["MemoryMax", "t", "1000"],
      ["MemoryLow", "t", "500"],
      ["MemorySwapMax", "t", "400"],
      ["CPUWeight", "t", "39"],
      // systemd rounds to hundredths of a second.
      ["CPUQuotaPerSecUSec", "t", "560000"],
      ["CPUQuotaPeriodUSec", "t", "100000"],
      ["IOWeight", "t", "2930"],
      ["AllowedCPUs", "ay", "2", "1", "2"],
      ["TasksMax", "t", "18446744073709551615"],
    ]);
    assert.deepEqual(limitProperties(NO_RESOURCES, true), []);
  });

  it("are told in v1's terms", () => {
    assert.deepEqual(
      limitProperties(resources, false).map(([name]) => name),
      ["MemoryLimit", "CPUShares", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec", "BlockIOWeight", "AllowedCPUs", "TasksMax"],
    );
  });

  it("that unified names are told, too", () => {
    const unified = {
      "memory.high": "700",
      "memory.swap.max": "max",
      "cpu.max": "20000",
      "cpuset.mems": "0-1",
      "memory.oom.group": "1",
      "cpu.weight": "idle",
    };
    assert.deepEqual(limitProperties({ ...NO_RESOURCES, unified }, true), [
      ["MemoryHigh", "t", "700"],
      ["MemorySwapMax", "t", "18446744073709551615"],
      ["CPUQuotaPerSecUSec", "t", "200000"],
      ["CPUQuotaPeriodUSec", "t", "100000"],
      ["AllowedMemoryNodes", "ay", "1", "3"],
    ]);
    assert.deepEqual(limitProperties({ ...NO_RESOURCES, unified }, false), []);
  });

  it("an idle group has a weight of its own, where systemd has one", () => {
    const idle = { ...NO_RESOURCES, cpu: { ...NO_RESOURCES.cpu, shares: 1024, idle: 1 } };
    assert.deepEqual(
      limitProperties(idle, true, () => true),
      [["CPUWeight", "t", "0"]],
    );
    assert.deepEqual(
      limitProperties(idle, true, () => false),
      [],
    );
  });

  it("a period without a quota has none", () => {
    assert.deepEqual(limitProperties({ ...NO_RESOURCES, cpu: { ...NO_RESOURCES.cpu, period: 50_000 } }, true), [
      ["CPUQuotaPerSecUSec", "t", "18446744073709551615"],
      ["CPUQuotaPeriodUSec", "t", "50000"],
    ]);
  });
});

describe("a unit's devices", () => {
  const names = {
    devices: "Character devices:\n  1 mem\n136 pts\n\nBlock devices:\n259 blkext\n254 virtblk\n",
    exists: (_: string, numbers: string) => numbers !== "10:200",
  };
  const rule = (allow: boolean, type: "a" | "b" | "c", major: number | null, minor: number | null, access: string): DeviceRule => ({
    allow,
    type,
    major,
    minor,
    access,
  });
  const nothing = rule(false, "a", null, null, "rwm");

  it("have the names that systemd gives them; what has none is left out", () => {
    const rules = [
      nothing,
      rule(true, "c", 1, 3, "rw"),
      rule(true, "c", 10, 200, "rwm"),
      rule(true, "c", 136, null, "rwm"),
      rule(true, "b", 254, null, "r"),
      rule(true, "b", 1, null, "r"),
      rule(true, "c", null, null, "m"),
      rule(true, "c", null, 5, "m"),
    ];
    assert.deepEqual(deviceProperties(rules, names), [
      ["DevicePolicy", "s", "strict"],
      ["DeviceAllow", "a(ss)", "0"],
      ["DeviceAllow", "a(ss)", "4", "/dev/char/1:3", "rw", "char-pts", "rwm", "block-virtblk", "r", "char-*", "m"],
    ]);
  });

  it("are all where only some are forbidden", () => {
    const rules = [rule(true, "a", null, null, "rwm"), rule(false, "c", 1, 3, "w")];
    assert.deepEqual(deviceProperties(rules, names), [
      ["DevicePolicy", "s", "auto"],
      ["DeviceAllow", "a(ss)", "0"],
    ]);
  });
});

describe("annotations of a unit", () => {
  const of = (name: string, text: string) => annotatedProperties({ [`org.systemd.property.${name}`]: text, other: "x" });

  it("are properties, with seconds in microseconds", () => {
    assert.deepEqual(of("TimeoutStopUSec", "uint64 123"), [["TimeoutStopUSec", "t", "123"]]);
    assert.deepEqual(of("TimeoutStopSec", "5"), [["TimeoutStopUSec", "t", "5000000"]]);
    assert.deepEqual(of("TimeoutStopSec", "1.5"), [["TimeoutStopUSec", "t", "1500000"]]);
    assert.deepEqual(of("CollectMode", "'inactive-or-failed'"), [["CollectMode", "s", "inactive-or-failed"]]);
    assert.deepEqual(of("Before", "['a.service']"), [["Before", "as", "1", "a.service"]]);
  });

  it("are refused when they are none", () => {
    assert.throws(() => of("Xy", "5"), /annotation org\.systemd\.property\.Xy name incorrect: too short/);
    assert.throws(() => of("A1b", "5"), /name incorrect: contains non-alphabetic character/);
    assert.throws(
      () => of("TimeoutStopSec", "'x'"),
      /annotation org\.systemd\.property\.TimeoutStopSec='x' value parse error: not a number/,
    );
    assert.throws(() => of("Description", "x"), /value parse error/);
  });
});

it("a unit's place on the bus has no letters but plain ones", () => {
  assert.equal(unitPath("a-b.scope"), "/org/freedesktop/systemd1/unit/a_2db_2escope");
  assert.equal(unitPath("1a.scope"), "/org/freedesktop/systemd1/unit/_31a_2escope");
});
