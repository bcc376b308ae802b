import assert from "node:assert/strict";
import { test } from "node:test";
import { POLLIN } from "../../../syscall-tables/flags/poll.ts";
import { SI_QUEUE, SI_USER, SIGCHLD, SIGKILL, SIGUSR1, SIGUSR2 } from "../../../syscall-tables/flags/signal.ts";
import { EAGAIN, EINVAL } from "../../abi/errno.ts";
import { sigBitLo } from "../../abi/signal.ts";
import { FakeTask } from "../../syscalls/poll/fake-task.ts";
import { BLOCKED } from "../../task/blocking.ts";
import { readOrBlock } from "../../task/file-ops.ts";

import { kernelIo, userIo } from "../../vfs/user-io.ts";
import { SignalFile } from "./signalfd.ts";

test("reads the wanted signals and leaves the others pending", () => {
  const task = new FakeTask();
  const file = new SignalFile(task.asTask, sigBitLo(SIGUSR1) | sigBitLo(SIGCHLD) | sigBitLo(SIGKILL), 0, 0);
  const bytes = new Uint8Array(400);
  const view = new DataView(bytes.buffer);
  assert.equal(file.read(kernelIo(bytes, 0, 127), task.asTask), EINVAL);
  assert.equal(file.read(kernelIo(bytes, 0, 128), task.asTask), EAGAIN);
  task.raise({ signal: SIGUSR2, code: SI_USER, pid: 1, uid: 2 });
  assert.equal(file.readiness(task.asTask), 0);
  task.raise({ signal: SIGUSR1, code: SI_QUEUE, pid: 12, uid: 34, value: 0x1_2345_6789 });
  task.raise({ signal: SIGCHLD, code: 1, pid: 56, uid: 78, status: 9, utime: 3, stime: 4 });
  assert.equal(file.readiness(task.asTask) & POLLIN, POLLIN);
  assert.equal(file.read(kernelIo(bytes, 0, 400), task.asTask), 256);
  const words = (at: number, ...offsets: number[]) => offsets.map((offset) => view.getInt32(at + offset, true));
  assert.deepEqual(words(0, 0, 8, 12, 16, 44, 48, 52), [SIGUSR1, SI_QUEUE, 12, 34, 0x2345_6789, 0x2345_6789, 1]);
  assert.deepEqual(words(128, 0, 8, 12, 16, 40, 56, 64), [SIGCHLD, 1, 56, 78, 9, 3, 4]);
  assert.equal(task.signals.pendingLo, sigBitLo(SIGUSR2));
});

test("shows the signals of whoever asks", () => {
  const creator = new FakeTask();
  const other = new FakeTask(creator.kernel);
  const file = new SignalFile(creator.asTask, sigBitLo(SIGUSR1), 0, 0);
  other.raise({ signal: SIGUSR1, code: SI_USER, pid: 1, uid: 0 });
  assert.equal(file.readiness(), 0);
  assert.equal(file.readiness(other.asTask) & POLLIN, POLLIN);
});

test("a reader sleeps on its own signals", () => {
  const creator = new FakeTask();
  const task = new FakeTask(creator.kernel);
  const file = new SignalFile(creator.asTask, sigBitLo(SIGUSR1), 0, 0);
  const addr = task.memory.put(new Uint8Array(128));
  assert.equal(readOrBlock(task.asTask, file, userIo(task.asTask, addr, 128)), BLOCKED);
  task.raise({ signal: SIGUSR1, code: SI_USER, pid: 1, uid: 0 });
  task.kernel.run();
  assert.equal(task.result, 128);
  assert.equal(task.memory.loadU32(addr), SIGUSR1);
});
