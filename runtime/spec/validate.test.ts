import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_SPEC } from "./default.ts";
import { SpecError } from "./field.ts";
import { validateSpec } from "./validate.ts";

/** undefined: left out. */
type Json = undefined | null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A config.json that says something in every field that is read. */
const full: Json = {
  ...DEFAULT_SPEC,
  domainname: "example",
  annotations: { "dev.moat.network": "none" },
  hooks: { createRuntime: [{ path: "/bin/true", args: ["true"], env: ["A=1"], timeout: 3 }], poststop: [{ path: "/bin/true" }] },
  process: {
    args: ["/bin/sh"],
    cwd: "/",
    env: ["PATH=/bin"],
    terminal: true,
    consoleSize: { height: 24, width: 80 },
    user: { uid: 1, gid: 2, umask: 18, additionalGids: [3, 4] },
    capabilities: { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"], inheritable: [], ambient: [] },
    rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 512 }],
    noNewPrivileges: true,
    oomScoreAdj: 100,
    ioPriority: { class: "IOPRIO_CLASS_BE", priority: 4 },
    scheduler: { policy: "SCHED_BATCH", nice: 3, flags: ["SCHED_FLAG_RESET_ON_FORK"] },
  },
  linux: {
    namespaces: ["pid", "network", "ipc", "uts", "mount", "cgroup", "user"].map((type) => ({ type })),
    uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
    gidMappings: [{ containerID: 0, hostID: 2000, size: 10 }],
    sysctl: { "kernel.shmmax": "65536", "net.ipv4.ip_forward": "0" },
    cgroupsPath: "/moat-test",
    rootfsPropagation: "private",
    maskedPaths: ["/proc/kcore"],
    readonlyPaths: ["/proc/sys"],
    personality: { domain: "LINUX" },
    devices: [{ path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
    resources: {
      memory: { limit: 1 << 20, reservation: 1 << 19, swap: 1 << 21, swappiness: 10, disableOOMKiller: true },
      cpu: { shares: 512, quota: 10_000, period: 100_000, cpus: "0", mems: "0" },
      pids: { limit: 10 },
      devices: [
        { allow: false, access: "rwm" },
        { allow: false, type: "c", major: 1, minor: 11, access: "rwa" },
      ],
      hugepageLimits: [{ pageSize: "2MB", limit: 0 }],
      blockIO: { weight: 100, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }] },
      unified: { "memory.high": "1000" },
    },
    seccomp: {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 1, args: [{ index: 1, value: 448, op: "SCMP_CMP_EQ" }] }],
    },
  },
};

const replaced = (at: Json, [name, ...below]: readonly string[], value: Json): Json => {
  if (name === undefined) return value;
  if (typeof at !== "object" || at === null) throw new Error(`no place ${name}`);
  if (!Array.isArray(at)) return { ...at, [name]: replaced(Object.entries(at).find(([key]) => key === name)?.[1], below, value) };
  const items: Json[] = [...at];
  items[Number(name)] = replaced(items[Number(name)], below, value);
  return items;
};

/** The config with one place changed; a path is written with dots. */
const changed = (path: string, value: Json): unknown => replaced(full, path.split("."), value);

const complaint = (config: unknown): string => {
  try {
    validateSpec(config);
    return "";
  } catch (error) {
    assert.ok(error instanceof SpecError, String(error));
    return error.message;
  }
};

test("a config that says something everywhere is read", () => {
  const spec = validateSpec(full);
  assert.deepEqual(spec.process.argv, ["/bin/sh"]);
  assert.equal(spec.cgroupsPath, "/moat-test");
  assert.equal(spec.namespaces.network, "new");
  assert.deepEqual(spec.namespaces.user?.uids, [{ containerId: 0, hostId: 1000, size: 10 }]);
  assert.deepEqual(spec.sysctls, [
    ["kernel/shmmax", "65536"],
    ["net/ipv4/ip_forward", "0"],
  ]);
});

test("what contradicts itself is refused in runc's words", () => {
  const cases: readonly [string, Json, RegExp][] = [
    ["linux.namespaces", [{ type: "pid" }, { type: "mount" }], /without a private UTS namespace/],
    ["linux.namespaces", [{ type: "pid" }, { type: "uts" }], /unable to restrict sys entries without a private MNT namespace/],
    ["linux.namespaces", [{ type: "pid" }, { type: "pid" }], /duplicated ns/],
    ["linux.namespaces", [{ type: "nosuch" }], /namespace .* does not exist/],
    ["linux.namespaces.1.path", "relative", /linux\.namespaces\[1\]\.path: must be an absolute path/],
    ["linux.uidMappings", [], /no uid mappings found/],
    ["linux.gidMappings", [{ containerID: 1, hostID: 0, size: 1 }], /no group mapping found/],
    ["linux.uidMappings.1", { containerID: 5, hostID: 5000, size: 10 }, /maps an id twice/],
    ["linux.sysctl", { "kernel.pid_max": "1" }, /"kernel\.pid_max" is not in a separate kernel namespace/],
    ["linux.sysctl", { "kernel.hostname": "x" }, /conflicts with the OCI "hostname" field/],
    ["linux.sysctl", { "net/../x": "1" }, /is no name of a sysctl/],
    ["process.scheduler.policy", "SCHED_NONE", /invalid scheduler policy: SCHED_NONE/],
    ["process.scheduler.nice", 20, /invalid scheduler\.nice: 20/],
    ["process.scheduler.priority", 5, /can only be specified for SchedFIFO or SchedRR/],
    ["process.scheduler.deadline", 5, /can only be specified for SchedDeadline/],
    ["process.scheduler.flags", ["SCHED_FLAG_DL_OVERRUN"], /SCHED_FLAG_DL_OVERRUN is not supported/],
    ["process.ioPriority.priority", 8, /invalid ioPriority\.Priority: 8/],
    ["process.ioPriority.class", "IOPRIO_CLASS_NONE", /invalid ioPriority\.Class/],
    ["linux.netDevices", { eth0: { name: "x" } }, /linux\.netDevices: is not supported/],
    ["hooks.poststop.0.path", "true", /must be an absolute path/],
    ["process.args", undefined, /args must not be empty/],
  ];
  for (const [path, value, expected] of cases) assert.match(complaint(changed(path, value)), expected, path);
});

/** All places of a value, as paths. */
function* places(value: Json, path: string): Generator<string> {
  if (path !== "") yield path;
  if (typeof value === "object" && value !== null)
    for (const [key, below] of Object.entries(value)) if (!key.includes(".")) yield* places(below, path === "" ? key : `${path}.${key}`);
}

test("a value of any other kind at any place is accepted or refused, and never breaks the reader", () => {
  const strange: Json[] = [null, true, -1, 1.5, 2 ** 53, "", "x\0y", "\ud800", [], [null], [[]], {}, { type: [] }, { path: 5 }];
  const all = [...places(full, "")];
  assert.ok(all.length > 150);
  for (const path of all) for (const value of strange) complaint(changed(path, value));
  for (const value of [...strange, undefined]) complaint(value);
});

test("what must be an object is not taken from anything else", () => {
  for (const path of [
    "linux.sysctl",
    "annotations",
    "linux.resources.unified",
    "linux.resources.memory",
    "process.user",
    "linux.seccomp",
  ]) {
    for (const value of [5, true, "text", ["list"]]) assert.match(complaint(changed(path, value)), /must be an object/, `${path} ${value}`);
  }
});
