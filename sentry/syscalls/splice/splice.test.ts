import assert from "node:assert/strict";
import { test } from "node:test";
import { SPLICE_F_NONBLOCK } from "../../../syscall-tables/flags/fd.ts";
import { O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { EAGAIN, EBADF, EINVAL, ESPIPE } from "../../abi/errno.ts";
import { createPipe } from "../../fs/pipe/pipe.ts";
import { BLOCKED } from "../../task/blocking.ts";
import { anonInode } from "../../vfs/anon.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import { kernelIo } from "../../vfs/user-io.ts";
import type { Implementation } from "../implement.ts";
import { FakeTask } from "../poll/fake-task.ts";
import { sys_sendfile } from "./sendfile.ts";
import { sys_splice, sys_tee, sys_vmsplice } from "./splice.ts";

class MemoryFile extends OpenFile {
  data = new Uint8Array(0);

  override get isSeekable(): boolean {
    return true;
  }
  override get isRegular(): boolean {
    return true;
  }
  override pread(io: Io, offset: number): number {
    return offset >= this.data.length ? 0 : io.put(this.data, offset, this.data.length - offset);
  }
  override pwrite(io: Io, offset: number): number {
    const grown = new Uint8Array(Math.max(this.data.length, offset + io.remaining));
    grown.set(this.data);
    this.data = grown;
    return io.take(this.data, offset, io.remaining);
  }
  override read(io: Io): number {
    const n = this.pread(io, this.position);
    this.position += n;
    return n;
  }
  override write(io: Io): number {
    const n = this.pwrite(io, this.position);
    this.position += n;
    return n;
  }
}

const setUp = () => {
  const task = new FakeTask();
  const call = (implementation: Implementation, ...args: number[]): number => implementation.handler(task.asTask, ...(args as never[]));
  const pipe = () => {
    const [reader, writer] = createPipe(task.asKernel, 0);
    return { reader, writer, readFd: task.files.install(reader, false), writeFd: task.files.install(writer, false) };
  };
  const file = (length = 0) => {
    const made = new MemoryFile(anonInode(task.asKernel, 0o100644), null, O_RDWR);
    made.data = Uint8Array.from({ length }, (_, i) => i & 255);
    return { made, fd: task.files.install(made, false) };
  };
  return { task, call, pipe, file };
};

test("splice moves a file through a pipe into another", () => {
  const { task, call, pipe, file } = setUp();
  const source = file(100_000);
  const target = file();
  const { readFd, writeFd } = pipe();
  const offset = task.memory.putLongs(10);
  assert.equal(call(sys_splice, source.fd, offset, writeFd, 0, 200_000, 0), 65536);
  assert.equal(task.memory.loadU64(offset), 65546);
  assert.equal(call(sys_splice, source.fd, offset, writeFd, 0, 1, SPLICE_F_NONBLOCK), EAGAIN);
  assert.equal(call(sys_splice, readFd, 0, target.fd, 0, 70_000, 0), 65536);
  assert.deepEqual(target.made.data, source.made.data.slice(10, 65546));
  assert.equal(target.made.position, 65536);
  assert.equal(call(sys_splice, readFd, 0, target.fd, 0, 1, SPLICE_F_NONBLOCK), EAGAIN);
});

test("splice waits for bytes in the pipe and ends with its writers", () => {
  const { task, call, pipe, file } = setUp();
  const target = file();
  const { readFd, writeFd, writer } = pipe();
  assert.equal(call(sys_splice, readFd, 0, target.fd, 0, 10, 0), BLOCKED);
  writer.write(kernelIo(Uint8Array.of(1, 2, 3), 0, 3), task.asTask);
  task.kernel.run();
  assert.equal(task.result, 3);
  task.files.close(writeFd, task.asTask);
  assert.equal(call(sys_splice, readFd, 0, target.fd, 0, 10, 0), 0);
});

test("splice knows its ends", () => {
  const { task, call, pipe, file } = setUp();
  const { readFd, writeFd } = pipe();
  const plain = file(10);
  const offset = task.memory.putLongs(0);
  assert.equal(call(sys_splice, 99, 0, writeFd, 0, 0, 0), 0);
  assert.equal(call(sys_splice, 99, 0, writeFd, 0, 1, 0), EBADF);
  assert.equal(call(sys_splice, plain.fd, 0, plain.fd, 0, 1, 0), EINVAL);
  assert.equal(call(sys_splice, readFd, offset, plain.fd, 0, 1, 0), ESPIPE);
  assert.equal(call(sys_splice, plain.fd, 0, writeFd, offset, 1, 0), ESPIPE);
  assert.equal(call(sys_splice, readFd, 0, writeFd, 0, 1, 0), EINVAL);
  assert.equal(call(sys_splice, plain.fd, 0, readFd, 0, 1, 0), EBADF);
});

test("tee copies and leaves the bytes, splice takes them", () => {
  const { task, call, pipe } = setUp();
  const from = pipe();
  const to = pipe();
  from.writer.write(kernelIo(new Uint8Array(6000), 0, 6000), task.asTask);
  assert.equal(call(sys_tee, from.readFd, to.writeFd, 10_000, 0), 6000);
  assert.equal(call(sys_splice, from.readFd, 0, to.writeFd, 0, 10_000, 0), 6000);
  assert.equal(call(sys_tee, from.readFd, to.writeFd, 1, SPLICE_F_NONBLOCK), EAGAIN);
  assert.equal(to.reader.read(kernelIo(new Uint8Array(20_000), 0, 20_000), task.asTask), 12_000);
});

test("vmsplice writes to one end and reads from the other", () => {
  const { task, call, pipe } = setUp();
  const { readFd, writeFd } = pipe();
  const addr = task.memory.put(Uint8Array.of(5, 6, 7));
  const iov = task.memory.putLongs(addr, 3);
  assert.equal(call(sys_vmsplice, writeFd, iov, 1, 0), 3);
  task.memory.storeU8(addr, 0);
  assert.equal(call(sys_vmsplice, readFd, iov, 1, 0), 3);
  assert.equal(task.memory.loadU8(addr), 5);
});

test("sendfile copies from a file, by its position or a given one", () => {
  const { task, call, pipe, file } = setUp();
  const source = file(150_000);
  const target = file();
  assert.equal(call(sys_sendfile, target.fd, source.fd, 0, 1 << 20), 150_000);
  assert.deepEqual(target.made.data, source.made.data);
  assert.equal(source.made.position, 150_000);
  const offset = task.memory.putLongs(149_000);
  assert.equal(call(sys_sendfile, target.fd, source.fd, offset, 1 << 20), 1000);
  assert.equal(task.memory.loadU64(offset), 150_000);
  const { readFd, writeFd, reader } = pipe();
  task.memory.storeU64(offset, 0);
  assert.equal(call(sys_sendfile, writeFd, source.fd, offset, 5000), 5000);
  assert.equal(reader.readiness() !== 0, true);
  assert.equal(call(sys_sendfile, target.fd, readFd, 0, 10), EINVAL);
  assert.equal(call(sys_sendfile, target.fd, readFd, offset, 10), ESPIPE);
});

test("a long sendfile lets others run in between", () => {
  const { task, call, file } = setUp();
  const source = file(9 << 20);
  const target = file();
  target.made.data = new Uint8Array(9 << 20);
  assert.equal(call(sys_sendfile, target.fd, source.fd, 0, 9 << 20), BLOCKED);
  task.kernel.run();
  assert.equal(task.result, 9 << 20);
});
