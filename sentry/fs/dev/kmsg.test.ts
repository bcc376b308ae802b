import assert from "node:assert/strict";
import { test } from "node:test";
import { SEEK_DATA, SEEK_END, SEEK_SET } from "../../../syscall-tables/flags/fd.ts";
import { O_RDWR, O_WRONLY } from "../../../syscall-tables/flags/open.ts";
import { POLLIN } from "../../../syscall-tables/flags/poll.ts";
import { EAGAIN, EINVAL, EPERM, EPIPE, ESPIPE } from "../../abi/errno.ts";
import { FakeTask } from "../../syscalls/poll/fake-task.ts";
import { Credentials } from "../../task/credentials.ts";
import { clearLog, logEnd, logStart, readLast } from "../../task/kernel-log.ts";
import { anonInode } from "../../vfs/anon.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import { kernelIo } from "../../vfs/user-io.ts";
import { openKmsg } from "./kmsg.ts";

const task = new FakeTask();
const open = (flags: number): OpenFile => {
  const file = openKmsg(anonInode(task.asKernel, 0o600), null, flags, task.asTask);
  assert.ok(file instanceof OpenFile);
  return file;
};

test("reading takes CAP_SYSLOG, writing does not", () => {
  const user = new FakeTask();
  user.creds = Credentials.create(1000, 1000);
  const inode = anonInode(user.asKernel, 0o666);
  assert.equal(openKmsg(inode, null, O_RDWR, user.asTask), EPERM);
  assert.notEqual(openKmsg(inode, null, O_WRONLY, user.asTask), EPERM);
});

const write = (file: OpenFile, text: string): number => file.write(kernelIo(Buffer.from(text, "latin1"), 0, text.length), task.asTask);
/** A record without its number and time. */
const read = (file: OpenFile, length = 8192): string | number => {
  const bytes = Buffer.alloc(length);
  const n = file.read(kernelIo(bytes, 0, length), task.asTask);
  return n < 0 ? n : bytes.toString("latin1", 0, n).replace(/^(\d+),\d+,\d+,/, "$1,");
};

test("what is written comes back in records, after how it began", () => {
  const file = open(O_RDWR);
  assert.match(String(read(file)), /^5,-;Linux version /);
  assert.equal(file.seek(0, SEEK_END), 0);
  assert.equal(read(file), EAGAIN);
  assert.equal(file.readiness() & POLLIN, 0);
  assert.equal(write(file, "one\n"), 4);
  assert.equal(write(file, "<3>two\tlines\nhere"), 17);
  assert.equal(write(file, "<30>daemon"), 10);
  assert.equal(file.readiness() & POLLIN, POLLIN);
  assert.deepEqual([read(file), read(file), read(file)], ["12,-;one\n", "11,-;two\\x09lines\\x0ahere\n", "30,-;daemon\n"]);
  assert.equal(read(file), EAGAIN);
});

test("positions are the first record, the first since a clearing, and behind the last", () => {
  const file = open(O_RDWR);
  clearLog();
  write(file, "after");
  assert.equal(file.seek(0, SEEK_DATA), 0);
  assert.equal(read(file), "12,-;after\n");
  assert.equal(file.seek(0, SEEK_SET), 0);
  assert.match(String(read(file)), /Linux version/);
  assert.deepEqual([file.seek(1, SEEK_SET), file.seek(0, 9)], [ESPIPE, EINVAL]);
  assert.equal(read(file, 4), EINVAL);
});

test("too long a record is refused; a reader that was too slow is told once", () => {
  const file = open(O_RDWR);
  assert.equal(write(file, "x".repeat(1025)), EINVAL);
  for (let count = 0; count < 140; count++) write(file, "x".repeat(1024));
  assert.equal(read(file), EPIPE);
  assert.match(String(read(file)), /^12,-;x+\n$/);
  assert.ok(readLast(1 << 20).length <= 1 << 18);
});

test("empty records are dropped, too: they cost memory", () => {
  const file = open(O_WRONLY);
  for (let count = 0; count < 5000; count++) write(file, "\n");
  assert.ok(logEnd() - logStart() < 2000);
});
