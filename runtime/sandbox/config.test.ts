import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStartConfig } from "./config.ts";

const mount = { source: "none", options: "", readOnly: false, flags: 6, propagation: [1 << 18], copiesUp: false };

const good = () => ({
  sandbox: {
    argv: ["ls"],
    env: ["PATH=/bin"],
    cwd: "/",
    uid: 1000,
    gid: 1000,
    groups: [4, 20],
    hostname: "h",
    terminal: true,
    capabilities: { bounding: ["CAP_KILL"], effective: [], inheritable: [], permitted: [], ambient: [] },
    limits: [{ resource: 7, soft: 1024, hard: null }],
    noNewPrivileges: true,
    umask: 18,
    oomScoreAdj: 100,
    seccomp: "BgAAAAAA/38=",
    seccompListener: { token: "t", isKillableOnly: true },
    personality: 8,
    ioPriority: 0x4004,
    scheduler: { policy: 1, nice: 0, priority: 5, isResetOnFork: true, runtimeNs: 0, deadlineNs: 0, periodNs: 0 },
    userNamespace: {
      uids: [{ inside: 0, outside: 1000, count: 10 }],
      gids: [{ inside: 0, outside: 0, count: 4294967295 }],
      isSetgroupsAllowed: true,
    },
    sysctls: [["kernel/msgmax", "1"]],
    domainname: "d",
    maskedPaths: ["/proc/kcore"],
    readonlyPaths: [],
    waitsForStart: false,
    joins: null,
    namespaceNumbers: { ipc: 4026531999, uts: null, pid: 1, net: null, user: 2 },
    timeOffsets: { monotonic: { sec: -5, nsec: 1 }, boottime: { sec: 7, nsec: 999_999_999 } },
    mounts: [
      { ...mount, type: "overlay", target: "/", tree: { index: 0, path: ["a"], fsType: "ext4", root: "/", device: "1:2", listens: true } },
      { ...mount, type: "proc", target: "/proc", tree: null },
    ],
    devices: { nodes: [{ path: "/dev/x", type: "c", major: 1, minor: 3, mode: 0o600, uid: 1, gid: 2 }], hasConsole: true },
    deviceRules: { allowsByDefault: false, exceptions: [["c 1:*", "rw"]] },
    rootPropagation: 1 << 18,
    network: "none",
    platform: "systrap",
    initUnkillable: false,
    strace: { names: ["read"], logFd: -1 },
    logLevel: "debug",
    debugLogFd: 7,
    hostFacts: { cpuinfo: "x", cpus: [0, 1], memTotalBytes: 4e9, kernelRelease: "6", kernelVersion: "#1" },
    resources: null,
  },
  gofer: {
    trees: [{ readOnly: true, listens: true, uids: [{ disk: 0, shown: 5, size: 10 }], gids: [] }],
    ownerMap: { hostUid: 1, hostGid: 2, guestUid: 3, guestGid: 4 },
    logLevel: "debug",
    debugLogFd: 7,
  },
});

test("a good config is read back as it was written", () => {
  assert.deepEqual(parseStartConfig(JSON.stringify(good())), good());
});

/** Sets the field at "a.b[0].c". */
const spoil = (config: object, path: string, value: unknown): void => {
  const keys = path.split(/[.[\]]+/).filter((key) => key !== "");
  const last = keys.pop() as string;
  let at = config as Record<string, unknown>;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  at[last] = value;
};

test("a bad field is named", () => {
  for (const [path, value] of [
    ["sandbox.argv", []],
    ["sandbox.env[0]", "A=\0"],
    ["sandbox.cwd", "x"],
    ["sandbox.uid", -1],
    ["sandbox.groups[1]", 0.5],
    ["sandbox.mounts[0].tree.index", 1],
    ["sandbox.mounts[1].type", "ext4"],
    ["sandbox.network", "bridge"],
    ["sandbox.mounts[1].flags", -1],
    ["sandbox.mounts[1].propagation", [-1]],
    ["sandbox.mounts[0].tree", null],
    ["sandbox.deviceRules.exceptions", [["c 1", "rw"]]],
    ["sandbox.devices.nodes[0].type", "x"],
    ["sandbox.devices.nodes[0].path", "dev"],
    ["sandbox.umask", 0o1000],
    ["sandbox.logLevel", "loud"],
    ["sandbox.hostFacts.cpus", 0],
    ["gofer.trees[0].readOnly", 1],
  ] as [string, unknown][]) {
    const config = good();
    spoil(config, path, value);
    const named = path.replace(/^sandbox\.(?=hostFacts)/, "");
    assert.throws(
      () => parseStartConfig(JSON.stringify(config)),
      (error: Error) => error.message.includes(`${named} must be`),
      path,
    );
  }
});
