import assert from "node:assert/strict";
import { test } from "node:test";
import { POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { EBADF, EFAULT, EINTR, EINVAL, ERESTART_RESTARTBLOCK, ERESTARTNOHAND } from "../../abi/errno.ts";
import { createPipe } from "../../fs/pipe/pipe.ts";
import { BLOCKED } from "../../task/blocking.ts";
import { kernelIo } from "../../vfs/user-io.ts";
import type { Implementation } from "../implement.ts";
import { sys_epoll_create1, sys_epoll_ctl } from "./epoll.ts";
import { sys_epoll_wait } from "./epoll-wait.ts";
import { FakeTask } from "./fake-task.ts";
import { sys_poll, sys_ppoll } from "./poll.ts";
import { sys_pselect6, sys_select } from "./select.ts";

const setUp = () => {
  const task = new FakeTask();
  const [reader, writer] = createPipe(task.asKernel, 0);
  const readFd = task.files.install(reader, false);
  const writeFd = task.files.install(writer, false);
  const call = (implementation: Implementation, ...args: number[]): number => implementation.handler(task.asTask, ...(args as never[]));
  const feed = (): number => writer.write(kernelIo(Uint8Array.of(1), 0, 1), task.asTask);
  /** An array of struct pollfd. */
  const pollfds = (...entries: [number, number][]): number => task.memory.putWords(...entries.flat());
  const revents = (addr: number, index: number): number => task.memory.loadU16(addr + index * 8 + 6);
  return { task, reader, writer, readFd, writeFd, call, feed, pollfds, revents };
};

const MS = 1e6;

test("poll reports every kind of entry", () => {
  const { call, feed, pollfds, revents, readFd, writeFd } = setUp();
  feed();
  const addr = pollfds([readFd, POLLIN], [writeFd, POLLOUT | POLLWRNORM], [77, POLLIN], [-1, POLLIN], [writeFd, POLLIN]);
  assert.equal(call(sys_poll, addr, 5, -1), 3);
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((i) => revents(addr, i)),
    [POLLIN, POLLOUT | POLLWRNORM, POLLNVAL, 0, 0],
  );
});

test("poll sleeps until an event or its time", () => {
  const { task, writer, call, feed, pollfds, revents, readFd, writeFd } = setUp();
  const addr = pollfds([readFd, POLLIN]);
  assert.equal(call(sys_poll, addr, 1, 0), 0);
  assert.equal(call(sys_poll, addr, 1, -1), BLOCKED);
  feed();
  task.kernel.run();
  assert.equal(task.result, 1);
  const quiet = pollfds([writeFd, POLLIN]);
  assert.equal(call(sys_poll, quiet, 1, 20), BLOCKED);
  task.kernel.run(task.kernel.nowNs + 30 * MS);
  assert.equal(task.result, 0);
  const [reader2, writer2] = createPipe(task.asKernel, 0);
  const hangup = pollfds([task.files.install(reader2, false), 0]);
  assert.equal(call(sys_poll, hangup, 1, -1), BLOCKED);
  writer2.put();
  task.kernel.run();
  assert.equal(revents(hangup, 0), POLLHUP);
  writer.put();
});

test("poll refuses too many entries and bad addresses", () => {
  const { call } = setUp();
  assert.equal(call(sys_poll, 8, 1025, 0), EINVAL);
  assert.equal(call(sys_poll, 8, 1, 0), EFAULT);
  assert.equal(call(sys_poll, 0, 0, 0), 0);
});

test("an interrupted poll is restarted until the same deadline", () => {
  const { task, call, pollfds, readFd } = setUp();
  const addr = pollfds([readFd, POLLIN]);
  call(sys_poll, addr, 1, 100);
  task.isInterrupted = true;
  task.kernel.schedule(task);
  task.kernel.run(task.kernel.nowNs + 40 * MS);
  assert.equal(task.result, ERESTART_RESTARTBLOCK);
  task.isInterrupted = false;
  const deadline = 1e9 + 100 * MS;
  assert.equal(task.restartBlock?.restart(task.asTask), BLOCKED);
  assert.equal(task.op?.deadlineNs, deadline);
});

test("ppoll and select leave the remaining time", () => {
  const { task, call, feed, pollfds, readFd } = setUp();
  const timespec = task.memory.putLongs(1, 0);
  assert.equal(call(sys_ppoll, pollfds([readFd, POLLIN]), 1, timespec, 0, 8), BLOCKED);
  task.kernel.run(task.kernel.nowNs + 250 * MS);
  feed();
  task.kernel.run();
  assert.equal(task.result, 1);
  assert.deepEqual([task.memory.loadU64(timespec), task.memory.loadU64(timespec + 8)], [0, 750 * MS]);
  const timeval = task.memory.putLongs(2, 500_000);
  const set = task.memory.putLongs(0);
  assert.equal(call(sys_select, 64, set, 0, 0, timeval), BLOCKED);
  task.isInterrupted = true;
  task.kernel.schedule(task);
  task.kernel.nowNs += 1500 * MS;
  task.kernel.run();
  assert.equal(task.result, ERESTARTNOHAND);
  assert.deepEqual([task.memory.loadU64(timeval), task.memory.loadU64(timeval + 8)], [1, 0]);
});

test("select looks at what the table can hold, and no closed fd", () => {
  const { task, call, feed, readFd, writeFd } = setUp();
  feed();
  const zero = task.memory.putLongs(0, 0);
  const reads = task.memory.putWords(1 << readFd, 0);
  const writes = task.memory.putWords(1 << writeFd, 0);
  assert.equal(call(sys_select, 64, reads, writes, 0, zero), 2);
  assert.deepEqual([task.memory.loadU32(reads), task.memory.loadU32(writes)], [1 << readFd, 1 << writeFd]);
  assert.equal(call(sys_select, 64, task.memory.putWords(0, 1 << 31), 0, 0, zero), EBADF);
  const far = task.memory.putWords(0, 0, 0, 1 << 30);
  assert.equal(call(sys_select, 1024, far, 0, 0, zero), 0);
  assert.equal(call(sys_select, -1, 0, 0, 0, zero), EINVAL);
  assert.equal(call(sys_select, 64, 8, 0, 0, zero), EFAULT);
  assert.equal(call(sys_pselect6, 64, 0, 0, 0, task.memory.putLongs(0, 1e9), 0), EINVAL);
});

test("epoll_wait sleeps, wakes, times out and is not restarted", () => {
  const { task, call, feed, readFd } = setUp();
  const epfd = call(sys_epoll_create1, 0);
  const event = task.memory.putWords(POLLIN, 42, 43);
  assert.equal(call(sys_epoll_ctl, epfd, 1, readFd, event), 0);
  const out = task.memory.put(new Uint8Array(24));
  assert.equal(call(sys_epoll_wait, epfd, out, 2, 0), 0);
  assert.equal(call(sys_epoll_wait, epfd, out, 2, 10), BLOCKED);
  task.kernel.run(task.kernel.nowNs + 20 * MS);
  assert.equal(task.result, 0);
  assert.equal(call(sys_epoll_wait, epfd, out, 2, -1), BLOCKED);
  feed();
  task.kernel.run();
  assert.equal(task.result, 1);
  assert.deepEqual([task.memory.loadU32(out), task.memory.loadU32(out + 4), task.memory.loadU32(out + 8)], [POLLIN, 42, 43]);
  const empty = call(sys_epoll_create1, 0);
  call(sys_epoll_wait, empty, out, 1, -1);
  task.isInterrupted = true;
  task.kernel.schedule(task);
  task.kernel.run();
  assert.equal(task.result, EINTR);
  assert.equal(call(sys_epoll_wait, epfd, out, 0, 0), EINVAL);
  assert.equal(call(sys_epoll_wait, readFd, out, 1, 0), EINVAL);
});
