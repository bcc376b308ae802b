import assert from "node:assert/strict";
import { test } from "node:test";
import { POLLERR, POLLIN, POLLOUT } from "../../../syscall-tables/flags/poll.ts";
import { EAGAIN, EINVAL } from "../../abi/errno.ts";
import { FakeTask } from "../../syscalls/poll/fake-task.ts";
import { BLOCKED } from "../../task/blocking.ts";
import { writeOrBlock } from "../../task/file-ops.ts";

import { kernelIo, userIo } from "../../vfs/user-io.ts";
import { EventFile } from "./eventfd.ts";

const bytesOf = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer);

const setUp = (count = 0, isSemaphore = false) => {
  const task = new FakeTask();
  const file = new EventFile(task.asKernel, count, 0, isSemaphore);
  const write = (value: bigint): number => file.write(kernelIo(bytesOf(value), 0, 8), task.asTask);
  const read = (): bigint | number => {
    const bytes = new Uint8Array(8);
    const n = file.read(kernelIo(bytes, 0, 8), task.asTask);
    return n === 8 ? new BigUint64Array(bytes.buffer)[0] : n;
  };
  return { task, file, write, read };
};

test("counts in 64 bits", () => {
  const { write, read } = setUp(3);
  assert.equal(read(), 3n);
  assert.equal(read(), EAGAIN);
  write(0xffff_ffffn);
  write(2n);
  assert.equal(read(), 0x1_0000_0001n);
});

test("stops below ULLONG_MAX", () => {
  const { file, write, read } = setUp();
  assert.equal(write(2n ** 64n - 1n), EINVAL);
  assert.equal(write(2n ** 64n - 2n), 8);
  assert.equal(file.readiness() & (POLLIN | POLLOUT), POLLIN);
  assert.equal(write(1n), EAGAIN);
  assert.equal(write(0n), 8);
  file.signal();
  assert.equal(file.readiness() & (POLLERR | POLLOUT), POLLERR);
  assert.equal(read(), 2n ** 64n - 1n);
});

test("a semaphore gives one at a time", () => {
  const { write, read } = setUp(0, true);
  write(0x1_0000_0000n);
  assert.equal(read(), 1n);
  write(1n);
  assert.equal(read(), 1n);
});

test("only whole words", () => {
  const { task, file } = setUp(1);
  assert.equal(file.read(kernelIo(new Uint8Array(7), 0, 7), task.asTask), EINVAL);
  assert.equal(file.write(kernelIo(new Uint8Array(16), 0, 16), task.asTask), EINVAL);
});

test("a write that does not fit waits and then adds its value", () => {
  const { task, file, write, read } = setUp();
  write(2n ** 64n - 2n);
  const addr = task.memory.put(bytesOf(5n));
  assert.equal(writeOrBlock(task.asTask, file, userIo(task.asTask, addr, 8)), BLOCKED);
  assert.equal(read(), 2n ** 64n - 2n);
  task.kernel.run();
  assert.equal(task.result, 8);
  assert.equal(read(), 5n);
});
