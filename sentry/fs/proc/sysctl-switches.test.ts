import assert from "node:assert/strict";
import { test } from "node:test";
import { EINVAL } from "../../abi/errno.ts";
import { mayMakeRing } from "../../io-uring/ring-settings.ts";
import { FakeTask } from "../../syscalls/poll/fake-task.ts";
import { switches } from "./sysctl-switches.ts";

const knob = (path: string) => {
  const found = switches.find(([name]) => name === path);
  assert.ok(found);
  return found[1];
};

test("rings are for all, for the administrator, or for nobody", () => {
  const rings = knob("kernel/io_uring_disabled");
  const task = new FakeTask().asTask;
  const admin = { has: () => true };
  const plain = { has: () => false };
  assert.equal(rings.read(task), "0\n");
  assert.deepEqual([mayMakeRing(admin), mayMakeRing(plain)], [true, true]);
  assert.equal(rings.write?.("1", task), 0);
  assert.deepEqual([mayMakeRing(admin), mayMakeRing(plain)], [true, false]);
  assert.equal(rings.write?.("2", task), 0);
  assert.deepEqual([mayMakeRing(admin), mayMakeRing(plain)], [false, false]);
  assert.equal(rings.write?.("3", task), EINVAL);
  assert.equal(rings.read(task), "2\n");
  assert.equal(rings.write?.("0", task), 0);
});

test("drop_caches takes 1 to 4 and shows the last", () => {
  const drop = knob("vm/drop_caches");
  const task = new FakeTask().asTask;
  assert.equal(drop.write?.("5", task), EINVAL);
  assert.equal(drop.write?.("x", task), EINVAL);
  assert.equal(drop.write?.("3", task), 0);
  assert.equal(drop.read(task), "3\n");
});
