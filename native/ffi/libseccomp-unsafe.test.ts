import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { allowValues } from "../seccomp/rules.ts";
import { compileFilter, installFilter } from "./libseccomp-unsafe.ts";
import { hostCall3 } from "./syscall-unsafe.ts";

const EACCES = 13;
const SYS_getpgid = 121;
const SYS_getsid = 124;

test("compiles rules to whole instructions", () => {
  const none = compileFilter({ default: "allow", rules: [] });
  const some = compileFilter({ default: { errno: 1 }, rules: allowValues("ioctl", 1, [0x5401, 0x5413]) });
  assert.equal(none.length % 8, 0);
  assert.ok(some.length > none.length);
});

test("an installed filter answers as its rules say", () => {
  // For ever: so in a process of its own.
  if (process.env.MOAT_TEST_FILTER !== "install") {
    const child = spawnSync(process.execPath, ["--test-reporter=tap", process.argv[1]], {
      // The runner's own context would make the child report in its binary protocol.
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, MOAT_TEST_FILTER: "install" },
    });
    assert.equal(child.status, 0, child.stdout.toString() + child.stderr.toString());
    return;
  }
  const filter = compileFilter({
    default: "allow",
    rules: [
      { syscall: "getpgid", action: { errno: EACCES } },
      { syscall: "getsid", args: [{ index: 0, op: ">", value: 5 }], action: { errno: EACCES } },
    ],
  });
  installFilter(filter, { tsync: true });
  assert.equal(hostCall3(SYS_getpgid, 0), -EACCES);
  assert.equal(hostCall3(SYS_getsid, 6), -EACCES);
  // 0 where the session's leader lives in an outer pid namespace.
  assert.ok(hostCall3(SYS_getsid, 0) >= 0);
});
