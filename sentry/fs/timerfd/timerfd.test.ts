import assert from "node:assert/strict";
import { test } from "node:test";
import { POLLIN } from "../../../syscall-tables/flags/poll.ts";
import { CLOCK_MONOTONIC, CLOCK_REALTIME, TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET } from "../../../syscall-tables/flags/time.ts";
import { EAGAIN, ECANCELED } from "../../abi/errno.ts";
import { FakeTask } from "../../syscalls/poll/fake-task.ts";

import { kernelIo } from "../../vfs/user-io.ts";
import { realtimeWasSet, TimerFile } from "./timerfd.ts";

const MS = 1e6;

const setUp = (clock = CLOCK_MONOTONIC) => {
  const task = new FakeTask();
  const file = new TimerFile(task.asKernel, clock, 0);
  const read = (): number => {
    const bytes = new Uint8Array(8);
    const n = file.read(kernelIo(bytes, 0, 8), task.asTask);
    return n === 8 ? new Uint32Array(bytes.buffer)[0] : n;
  };
  return { task, file, read, kernel: task.kernel };
};

test("a single expiration", () => {
  const { file, read, kernel } = setUp();
  file.set(0, 10 * MS, 0);
  assert.equal(read(), EAGAIN);
  assert.equal(file.remainingNs(), 10 * MS);
  kernel.run(kernel.nowNs + 30 * MS);
  assert.equal(file.readiness() & POLLIN, POLLIN);
  assert.equal(read(), 1);
  assert.equal(read(), EAGAIN);
  assert.equal(file.remainingNs(), 0);
});

test("periods that passed unread are counted", () => {
  const { file, read, kernel } = setUp();
  file.set(0, 10 * MS, 5 * MS);
  kernel.run(kernel.nowNs + 32 * MS);
  assert.equal(read(), 5);
  assert.equal(file.remainingNs(), 3 * MS);
  kernel.run(kernel.nowNs + 3 * MS);
  assert.equal(read(), 1);
});

test("setting again or to zero forgets expirations", () => {
  const { file, read, kernel } = setUp();
  file.set(0, 1 * MS, 0);
  kernel.run(kernel.nowNs + 2 * MS);
  file.set(0, 0, 0);
  assert.equal(read(), EAGAIN);
  assert.equal(kernel.armed.size, 0);
});

test("absolute times, also in the past", () => {
  const { file, read, kernel } = setUp();
  file.set(TFD_TIMER_ABSTIME, kernel.nowNs - 25 * MS, 10 * MS);
  kernel.run();
  assert.equal(read(), 3);
});

test("the clock of the day moves absolute timers and cancels those that asked for it", () => {
  const { file, read, kernel } = setUp(CLOCK_REALTIME);
  const day = kernel.clock.realtimeNs();
  file.set(TFD_TIMER_ABSTIME, day + 1e10, 0);
  realtimeWasSet(5e9);
  assert.ok(Math.abs(file.remainingNs() - 5e9) < 2000);
  file.set(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, day + 1e10, 0);
  realtimeWasSet(1e9);
  assert.equal(file.readiness() & POLLIN, POLLIN);
  assert.equal(read(), ECANCELED);
  assert.equal(read(), EAGAIN);
  file.put();
});
