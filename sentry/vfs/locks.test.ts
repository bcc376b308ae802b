import assert from "node:assert/strict";
import { test } from "node:test";
import {
  F_GETLK,
  F_OFD_SETLK,
  F_RDLCK,
  F_SETLK,
  F_SETLKW,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
} from "../../syscall-tables/flags/fd.ts";
import { O_CREAT, O_RDONLY, O_RDWR } from "../../syscall-tables/flags/open.ts";
import { EAGAIN, EBADF, EDEADLK, EINVAL } from "../abi/errno.ts";
import { Tmpfs } from "../fs/tmpfs/tmpfs.ts";
import { sys_dup } from "../syscalls/file/dup.ts";
import { sys_fcntl } from "../syscalls/file/fcntl.ts";
import { sys_flock } from "../syscalls/file/flock.ts";
import { sys_open } from "../syscalls/file/open.ts";
import { BLOCKED } from "../task/blocking.ts";
import { BUFFER, type FakeGuestTask, fakeGuest } from "./fake-guest.ts";
import { allLocks } from "./locks.ts";

const start = () => {
  const guest = fakeGuest((kernel) => new Tmpfs(kernel, { mode: 0o777 }));
  const other = guest.fork();
  const fds = [guest.task, other].map((task) => task.call(sys_open, "/f", O_RDWR | O_CREAT, 0o666));
  assert.deepEqual(fds, [0, 0]);
  return { task: guest.task, other };
};

const lock = (task: FakeGuestTask, command: number, type: number, from: number, length: number, fd = 0, whence = 0): number => {
  const view = new DataView(new ArrayBuffer(32));
  view.setInt16(0, type, true);
  view.setInt16(2, whence, true);
  view.setBigInt64(8, BigInt(from), true);
  view.setBigInt64(16, BigInt(length), true);
  task.memory.copyOut(BUFFER, new Uint8Array(view.buffer));
  return task.call(sys_fcntl, fd, command, BUFFER);
};

/** Every range lock as "type start-end pid". */
const held = (): string[] =>
  allLocks()
    .map(({ isWrite, start: from, end, pid }) => `${isWrite ? "W" : "R"} ${from}-${end} ${pid}`)
    .sort();

test("ranges split, merge and change kind", () => {
  const { task } = start();
  assert.equal(lock(task, F_SETLK, F_WRLCK, 0, 100), 0);
  assert.equal(lock(task, F_SETLK, F_RDLCK, 20, 10), 0);
  assert.deepEqual(held(), ["R 20-29 1", "W 0-19 1", "W 30-99 1"]);
  assert.equal(lock(task, F_SETLK, F_UNLCK, 25, 10), 0);
  assert.deepEqual(held(), ["R 20-24 1", "W 0-19 1", "W 35-99 1"]);
  assert.equal(lock(task, F_SETLK, F_WRLCK, 20, 15), 0);
  assert.deepEqual(held(), ["W 0-99 1"]);
  assert.equal(lock(task, F_SETLK, F_WRLCK, 100, 0), 0);
  assert.deepEqual(held(), ["W 0-Infinity 1"]);
  assert.equal(lock(task, F_SETLK, F_UNLCK, 0, 0), 0);
  assert.deepEqual(held(), []);
});

test("conflicts between processes, and what F_GETLK tells", () => {
  const { task, other } = start();
  assert.equal(lock(task, F_SETLK, F_RDLCK, 10, 10), 0);
  assert.equal(lock(other, F_SETLK, F_RDLCK, 0, 100), 0);
  assert.equal(lock(other, F_SETLK, F_WRLCK, 15, 1), EAGAIN);
  assert.equal(lock(other, F_GETLK, F_WRLCK, 0, 0), 0);
  assert.equal(other.memory.loadU16(BUFFER), F_RDLCK);
  assert.equal(other.memory.loadU64(BUFFER + 8), 10);
  assert.equal(other.memory.loadU64(BUFFER + 16), 10);
  assert.equal(other.memory.loadU32(BUFFER + 24), 1);
  assert.equal(lock(other, F_GETLK, F_WRLCK, 30, 0), 0);
  assert.equal(other.memory.loadU16(BUFFER), F_UNLCK);
  assert.equal(lock(other, F_SETLK, F_RDLCK, -1, 5), EINVAL);
  assert.equal(lock(other, F_SETLK, F_RDLCK, 5, -5), 0);
  assert.equal(lock(other, F_SETLK, 7, 0, 5), EINVAL);
  const readOnly = task.call(sys_open, "/f", O_RDONLY, 0);
  assert.equal(lock(task, F_SETLK, F_WRLCK, 200, 5, readOnly), EBADF);
  for (const { files, asTask } of [task, other]) files.put(asTask);
});

test("closing any descriptor of the file drops the process's locks", () => {
  const { task, other } = start();
  const second = task.call(sys_open, "/f", O_RDWR, 0);
  assert.equal(lock(task, F_SETLK, F_WRLCK, 0, 0), 0);
  assert.equal(lock(other, F_SETLK, F_WRLCK, 0, 0), EAGAIN);
  task.files.close(second, task.asTask);
  assert.equal(lock(other, F_SETLK, F_WRLCK, 0, 0), 0);
  other.files.put(other.asTask);
  assert.deepEqual(held(), []);
});

test("a waiting lock is granted, a circle is refused", async () => {
  const { task, other } = start();
  assert.equal(lock(task, F_SETLK, F_WRLCK, 0, 1), 0);
  assert.equal(lock(other, F_SETLK, F_WRLCK, 1, 1), 0);
  assert.equal(lock(task, F_SETLKW, F_WRLCK, 1, 1), BLOCKED);
  assert.equal(lock(other, F_SETLKW, F_WRLCK, 0, 1), EDEADLK);
  assert.equal(lock(other, F_SETLK, F_UNLCK, 1, 1), 0);
  await Promise.resolve();
  assert.equal(task.result, 0);
  assert.deepEqual(held(), ["W 0-1 1"]);
  task.files.put(task.asTask);
});

test("open file description locks follow the description", () => {
  const { task } = start();
  const second = task.call(sys_open, "/f", O_RDWR, 0);
  const copy = task.call(sys_dup, 0);
  assert.equal(lock(task, F_OFD_SETLK, F_WRLCK, 0, 0), 0);
  assert.equal(lock(task, F_OFD_SETLK, F_WRLCK, 0, 0, second), EAGAIN);
  assert.equal(lock(task, F_OFD_SETLK, F_RDLCK, 0, 0, copy), 0);
  assert.equal(lock(task, F_OFD_SETLK, F_RDLCK, 0, 0, second), 0);
  task.files.close(0, task.asTask);
  assert.deepEqual(held(), ["R 0-Infinity -1", "R 0-Infinity -1"]);
  task.files.put(task.asTask);
  assert.deepEqual(held(), []);
});

test("flock", async () => {
  const { task, other } = start();
  assert.equal(task.call(sys_flock, 0, LOCK_SH), 0);
  assert.equal(other.call(sys_flock, 0, LOCK_SH), 0);
  assert.equal(task.call(sys_flock, 0, LOCK_EX | LOCK_NB), EAGAIN);
  // The attempt has cost the shared lock.
  assert.equal(other.call(sys_flock, 0, LOCK_EX | LOCK_NB), 0);
  assert.equal(task.call(sys_flock, 0, LOCK_EX), BLOCKED);
  assert.equal(other.call(sys_flock, 0, LOCK_UN), 0);
  await Promise.resolve();
  assert.equal(task.result, 0);
  assert.equal(task.call(sys_flock, 0, 16), EINVAL);
  task.files.put(task.asTask);
  assert.deepEqual(held(), []);
});
