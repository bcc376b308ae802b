import assert from "node:assert/strict";
import { test } from "node:test";
import { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, S_IFIFO } from "../../../syscall-tables/flags/open.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from "../../../syscall-tables/flags/poll.ts";
import { EAGAIN, EBUSY, EINVAL, EPERM } from "../../abi/errno.ts";
import { FakeTask } from "../../syscalls/poll/fake-task.ts";
import { BLOCKED } from "../../task/blocking.ts";
import { readOrBlock, writeOrBlock } from "../../task/file-ops.ts";
import { anonInode } from "../../vfs/anon.ts";
import type { Inode } from "../../vfs/inode.ts";
import { Mount } from "../../vfs/mount.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { Dentry, type Path } from "../../vfs/path.ts";
import { kernelIo, userIo } from "../../vfs/user-io.ts";
import { createPipe, Pipe, PipeFile } from "./pipe.ts";

const setUp = (flags = 0): { task: FakeTask; reader: OpenFile; writer: OpenFile } => {
  const task = new FakeTask();
  const [reader, writer] = createPipe(task.asKernel, flags);
  return { task, reader, writer };
};

const fakePath = (inode: Inode): Path => {
  const dentry = new Dentry("fifo", null, inode);
  return { mount: new Mount(inode.fs, dentry, 0, "none"), dentry };
};

test("reading an empty pipe waits for a writer and ends without one", () => {
  const { task, reader, writer } = setUp();
  const io = () => kernelIo(new Uint8Array(4), 0, 4);
  assert.equal(reader.read(io(), task.asTask), EAGAIN);
  assert.equal(reader.readiness(), 0);
  writer.put();
  assert.equal(reader.read(io(), task.asTask), 0);
  assert.equal(reader.readiness(), POLLHUP);
});

test("readiness of both ends", () => {
  const { task, reader, writer } = setUp();
  assert.equal(writer.readiness() & POLLOUT, POLLOUT);
  writer.write(kernelIo(new Uint8Array(65536), 0, 65536), task.asTask);
  assert.equal(writer.readiness(), 0);
  assert.equal(reader.readiness() & POLLIN, POLLIN);
  reader.read(kernelIo(new Uint8Array(4095), 0, 4095), task.asTask);
  assert.equal(writer.readiness(), 0);
  reader.read(kernelIo(new Uint8Array(1), 0, 1), task.asTask);
  assert.equal(writer.readiness() & POLLOUT, POLLOUT);
  reader.put();
  assert.equal(writer.readiness() & POLLERR, POLLERR);
});

test("a blocking write goes on until all is taken", () => {
  const { task, reader, writer } = setUp();
  const addr = task.memory.put(new Uint8Array(40000));
  const writerTask = task.asTask;
  assert.equal(writeOrBlock(writerTask, writer, userIo(writerTask, addr, 40000)), 40000);
  assert.equal(writeOrBlock(writerTask, writer, userIo(writerTask, addr, 40000)), BLOCKED);
  const sink = new Uint8Array(65536);
  assert.equal(reader.read(kernelIo(sink, 0, 65536), task.asTask), 64576);
  task.kernel.run();
  assert.equal(task.result, 40000);
});

test("a reader sleeps until a byte comes", () => {
  const { task, reader, writer } = setUp();
  const addr = task.memory.put(new Uint8Array(16));
  assert.equal(readOrBlock(task.asTask, reader, userIo(task.asTask, addr, 16)), BLOCKED);
  writer.write(kernelIo(Uint8Array.of(7), 0, 1), task.asTask);
  task.kernel.run();
  assert.equal(task.result, 1);
  assert.equal(task.memory.loadU8(addr), 7);
});

test("F_SETPIPE_SZ rounds up to powers of two and keeps what is inside", () => {
  const { task, reader, writer } = setUp();
  assert.equal(reader.pipeSize(), 65536);
  assert.equal(reader.setPipeSize(5000, task.asTask), 8192);
  writer.write(kernelIo(new Uint8Array(8192), 0, 8192), task.asTask);
  assert.equal(reader.setPipeSize(1, task.asTask), EBUSY);
  assert.equal(reader.setPipeSize(-1, task.asTask), EINVAL);
  assert.equal(reader.setPipeSize(32 << 20, task.asTask), 32 << 20);
  assert.equal(reader.setPipeSize((32 << 20) + 1, task.asTask), EPERM);
});

test("FIFO opens wait for the other end, even one that has gone again", () => {
  const task = new FakeTask();
  const inode = anonInode(task.asKernel, S_IFIFO | 0o644);
  const pipe = new Pipe();
  const path = fakePath(inode);
  const reader = new PipeFile(pipe, inode, path, O_RDONLY);
  assert.equal(reader.opening(task.asTask), EAGAIN);
  const writer = new PipeFile(pipe, inode, path, O_WRONLY);
  assert.equal(writer.opening(task.asTask), 0);
  writer.put();
  assert.equal(reader.opening(task.asTask), 0);
  assert.equal(reader.readiness(), POLLHUP);
  const both = new PipeFile(pipe, inode, path, O_RDWR);
  assert.equal(both.opening(task.asTask), 0);
  assert.equal(both.readiness() & (POLLIN | POLLOUT | POLLHUP | POLLERR), POLLOUT);
});

test("a nonblocking FIFO reader sees no hangup before the first writer", () => {
  const task = new FakeTask();
  const inode = anonInode(task.asKernel, S_IFIFO | 0o644);
  const pipe = new Pipe();
  const path = fakePath(inode);
  const reader = new PipeFile(pipe, inode, path, O_RDONLY | O_NONBLOCK);
  assert.equal(reader.opening(task.asTask), 0);
  assert.equal(reader.readiness(), 0);
  assert.equal(reader.read(kernelIo(new Uint8Array(1), 0, 1), task.asTask), 0);
  new PipeFile(pipe, inode, path, O_WRONLY).put();
  assert.equal(reader.readiness(), POLLHUP);
});
