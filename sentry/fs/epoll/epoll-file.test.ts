import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOLLET, EPOLLONESHOT, POLLIN, POLLOUT } from "../../../syscall-tables/flags/poll.ts";
import { EEXIST, EFAULT, ELOOP, ENOENT } from "../../abi/errno.ts";
import { FakeTask } from "../../syscalls/poll/fake-task.ts";

import { kernelIo } from "../../vfs/user-io.ts";
import { EventFile } from "../eventfd/eventfd.ts";
import { EPOLL_EVENT_SIZE, EpollFile } from "./epoll-file.ts";

const one = (): ReturnType<typeof kernelIo> => kernelIo(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 0, 8);

const setUp = () => {
  const task = new FakeTask();
  const epoll = new EpollFile(task.asKernel);
  const addr = task.memory.put(new Uint8Array(EPOLL_EVENT_SIZE * 16));
  const event = () => new EventFile(task.asKernel, 0, 0, false);
  /** The data words of the events collected. */
  const wait = (limit = 16): number[] | number => {
    const n = epoll.collect(task.asTask, addr, limit);
    return n < 0 ? n : Array.from({ length: n }, (_, i) => task.memory.loadU32(addr + i * EPOLL_EVENT_SIZE + 4));
  };
  const add = (file: EventFile, fd: number, events: number): number => epoll.add(task.asTask, file, fd, events, fd, 0);
  return { task, epoll, event, wait, add };
};

test("level-triggered events stay until they are gone", () => {
  const { task, event, wait, add } = setUp();
  const file = event();
  add(file, 5, POLLIN);
  assert.deepEqual(wait(), []);
  file.write(one(), task.asTask);
  assert.deepEqual(wait(), [5]);
  assert.deepEqual(wait(), [5]);
  file.read(kernelIo(new Uint8Array(8), 0, 8), task.asTask);
  assert.deepEqual(wait(), []);
});

test("edge-triggered events come once per write", () => {
  const { task, event, wait, add } = setUp();
  const file = event();
  add(file, 5, POLLIN + EPOLLET);
  file.write(one(), task.asTask);
  assert.deepEqual(wait(), [5]);
  assert.deepEqual(wait(), []);
  file.write(one(), task.asTask);
  assert.deepEqual(wait(), [5]);
});

test("a one-shot item is silent until modified", () => {
  const { task, epoll, event, wait, add } = setUp();
  const file = event();
  add(file, 5, POLLIN + EPOLLONESHOT);
  file.write(one(), task.asTask);
  assert.deepEqual(wait(), [5]);
  file.write(one(), task.asTask);
  assert.deepEqual(wait(), []);
  assert.equal(epoll.modify(file, 5, POLLIN, 9, 0), 0);
  assert.deepEqual(wait(), [9]);
});

test("ready files take turns when maxevents is small", () => {
  const { event, wait, add } = setUp();
  for (const fd of [1, 2, 3]) add(event(), fd, POLLOUT);
  assert.deepEqual([wait(1), wait(1), wait(1), wait(1)], [[1], [2], [3], [1]]);
  assert.deepEqual(wait(2), [2, 3]);
});

test("a fault loses no event", () => {
  const { task, epoll, event, wait, add } = setUp();
  const file = event();
  add(file, 5, POLLIN + EPOLLET);
  file.write(one(), task.asTask);
  assert.equal(epoll.collect(task.asTask, 8, 1), EFAULT);
  assert.deepEqual(wait(), [5]);
});

test("the same file may be added under two fds, but not twice under one", () => {
  const { epoll, event, add } = setUp();
  const file = event();
  assert.equal(add(file, 5, POLLIN), 0);
  assert.equal(add(file, 5, POLLIN), EEXIST);
  assert.equal(add(file, 6, POLLIN), 0);
  assert.equal(epoll.delete(file, 5), 0);
  assert.equal(epoll.delete(file, 5), ENOENT);
});

test("the last close of a file removes it", () => {
  const { task, event, wait, add } = setUp();
  const file = event();
  add(file, 5, POLLIN);
  file.write(one(), task.asTask);
  file.take();
  file.put();
  assert.deepEqual(wait(), [5]);
  file.put();
  assert.deepEqual(wait(), []);
});

test("a set inside a set is readable while something is ready in it", () => {
  const { task, epoll, event, add } = setUp();
  const outer = new EpollFile(task.asKernel);
  assert.equal(outer.add(task.asTask, epoll, 9, POLLIN, 9, 0), 0);
  const file = event();
  add(file, 5, POLLIN);
  const addr = task.memory.put(new Uint8Array(12));
  assert.equal(outer.collect(task.asTask, addr, 1), 0);
  file.write(one(), task.asTask);
  assert.equal(outer.collect(task.asTask, addr, 1), 1);
  file.read(kernelIo(new Uint8Array(8), 0, 8), task.asTask);
  assert.equal(outer.collect(task.asTask, addr, 1), 0);
});

// The results of the same calls on Linux 6.18.
test("sets nest four deep and never in a circle", () => {
  const { task } = setUp();
  const sets = Array.from({ length: 8 }, () => new EpollFile(task.asKernel));
  const upwards = [0, 1, 2, 3, 4, 5, 6].map((i) => sets[i + 1].add(task.asTask, sets[i], i, POLLIN, 0, 0));
  assert.deepEqual(upwards, [0, 0, 0, 0, ELOOP, 0, 0]);
  const others = Array.from({ length: 8 }, () => new EpollFile(task.asKernel));
  const downwards = [6, 5, 4, 3, 2, 1, 0].map((i) => others[i + 1].add(task.asTask, others[i], i, POLLIN, 0, 0));
  assert.deepEqual(downwards, [0, 0, 0, 0, ELOOP, 0, 0]);
  const [a, b, c] = Array.from({ length: 3 }, () => new EpollFile(task.asKernel));
  assert.equal(a.add(task.asTask, b, 1, POLLIN, 0, 0), 0);
  assert.equal(b.add(task.asTask, c, 1, POLLIN, 0, 0), 0);
  assert.equal(c.add(task.asTask, a, 1, POLLIN, 0, 0), ELOOP);
});
