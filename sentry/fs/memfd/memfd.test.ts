import assert from "node:assert/strict";
import { test } from "node:test";
import {
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
} from "../../../syscall-tables/flags/fd.ts";
import { EBUSY, EINVAL, EPERM } from "../../abi/errno.ts";
import { FakeTask } from "../../syscalls/poll/fake-task.ts";
import { pathName } from "../../vfs/tree.ts";
import { kernelIo } from "../../vfs/user-io.ts";
import { createMemfd, MemfdMapping } from "./memfd.ts";

const setUp = (seals = 0, mode = 0o777) => {
  const fake = new FakeTask();
  const task = fake.asTask;
  const file = createMemfd(fake.asKernel, "name", fake.creds, mode, seals);
  const write = (length: number, offset: number): number => file.pwrite(kernelIo(new Uint8Array(length), 0, length), offset, task);
  const mapping = (): MemfdMapping => {
    const made = file.mapping(task);
    assert.ok(made instanceof MemfdMapping);
    return made;
  };
  return { task, file, write, mapping };
};

test("shows its name as a deleted file", () => {
  const { file } = setUp();
  assert.ok(file.path !== null);
  assert.equal(pathName(file.path, null), "/memfd:name (deleted)");
  assert.equal(file.inode.mode, 0o100777);
});

test("seals hold", () => {
  const { task, file, write } = setUp();
  assert.equal(write(100, 0), 100);
  assert.equal(file.addSeals(F_SEAL_SHRINK), 0);
  assert.equal(file.truncate(50, task), EPERM);
  assert.equal(file.truncate(200, task), 0);
  assert.equal(file.addSeals(F_SEAL_GROW), 0);
  assert.equal(write(10, 195), EPERM);
  assert.equal(write(5, 195), 5);
  assert.equal(file.allocate(0, 0, 300, task), EPERM);
  assert.equal(file.addSeals(0x4000), EINVAL);
  assert.equal(file.addSeals(F_SEAL_WRITE | F_SEAL_SEAL), 0);
  assert.equal(write(1, 0), EPERM);
  assert.equal(file.addSeals(F_SEAL_GROW), EPERM);
  assert.equal(file.seals(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
});

test("a writable mapping keeps the write seal away, the seal keeps writable mappings away", () => {
  const { file, mapping } = setUp();
  const map = mapping();
  map.takeMapping(true);
  assert.equal(file.addSeals(F_SEAL_WRITE), EBUSY);
  assert.equal(file.addSeals(F_SEAL_FUTURE_WRITE), 0);
  assert.equal(mapping().hostFd(true), EPERM);
  map.putMapping(true);
  assert.equal(file.addSeals(F_SEAL_WRITE), 0);
});

test("F_SEAL_EXEC freezes the execute bits, and all of an executable", () => {
  const plain = setUp(F_SEAL_EXEC, 0o666);
  assert.equal(plain.file.inode.setAttributes({ mode: 0o777 }, null), EPERM);
  assert.equal(plain.file.inode.setAttributes({ mode: 0o600 }, null), 0);
  const program = setUp();
  assert.equal(program.file.addSeals(F_SEAL_EXEC), 0);
  assert.equal(program.file.seals(), F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
});
