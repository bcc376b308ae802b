import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStartConfig, type StartConfig } from "../runtime/sandbox/config.ts";
import { PLAIN_PROCESS } from "../runtime/sandbox/process-config.ts";
import { encodeRequest } from "./request.ts";

const config: StartConfig = {
  sandbox: {
    argv: ["caf\xc3\xa9", "\xff"],
    env: ["A=1"],
    cwd: "/",
    uid: 0,
    gid: 0,
    groups: [],
    hostname: "h",
    terminal: false,
    ...PLAIN_PROCESS,
    domainname: "(none)",
    maskedPaths: [],
    readonlyPaths: [],
    userNamespace: null,
    sysctls: [],
    waitsForStart: false,
    joins: null,
    timeOffsets: null,
    namespaceNumbers: null,
    mounts: [
      { type: "proc", target: "/", source: "", options: "", tree: null, readOnly: false, flags: 0, propagation: [], copiesUp: false },
    ],
    devices: null,
    deviceRules: null,
    rootPropagation: 0,
    network: "none",
    platform: "systrap",
    initUnkillable: false,
    strace: null,
    logLevel: "silent",
    debugLogFd: -1,
    resources: null,
    hostFacts: { cpuinfo: "", cpus: [0], memTotalBytes: 0, kernelRelease: "", kernelVersion: "" },
  },
  gofer: {
    trees: [
      { readOnly: true, listens: false, uids: [], gids: [] },
      { readOnly: false, listens: false, uids: [], gids: [] },
    ],
    ownerMap: null,
    logLevel: "silent",
    debugLogFd: -1,
  },
};

test("records are in the launcher's format, and bytes stay bytes", () => {
  const bytes = encodeRequest({ trees: ["rro,rec:/", "rw,rec:/d\xe9"], debugLog: "/l", straceLog: null, config });
  const records = bytes.toString("latin1").split("\0");
  assert.deepEqual(records.slice(0, 3), ["tree=rro,rec:/", "tree=rw,rec:/d\xe9", "debug-log=/l"]);
  assert.equal(records.length, 5);
  assert.equal(records[4], "");
  assert.deepEqual(parseStartConfig(records[3].slice("config=".length)), config);
});
