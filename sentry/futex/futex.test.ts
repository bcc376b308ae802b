import assert from "node:assert/strict";
import { test } from "node:test";
import { CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from "../../syscall-tables/flags/process.ts";
import { SA_RESTORER, SIGUSR1 } from "../../syscall-tables/flags/signal.ts";
import { EAGAIN, EDEADLK, EINTR, EINVAL, ENOSYS, EPERM, ETIMEDOUT } from "../abi/errno.ts";

import { R_RAX, R_RSP } from "../platform/registers.ts";
import { sys_futex } from "../syscalls/futex/futex.ts";
import { sys_futex_waitv } from "../syscalls/futex/futex2.ts";
import { sys_clone } from "../syscalls/process/clone.ts";
import { sys_exit } from "../syscalls/process/exit.ts";
import { sys_tgkill } from "../syscalls/signal/kill.ts";
import { sys_restart_syscall } from "../syscalls/signal/restart_syscall.ts";
import { BLOCKED } from "../task/blocking.ts";
import { call, FakeKernel, memoryOf, threadOf } from "../task/fake-guest.ts";
import { handleInterrupt } from "../task/run.ts";
import { DEFAULT_ACTION } from "../task/signal-actions.ts";
import type { Task } from "../task/task.ts";

const WAIT = 0;
const WAKE = 1;
const CMP_REQUEUE = 4;
const WAKE_OP = 5;
const LOCK_PI = 6;
const UNLOCK_PI = 7;
const TRYLOCK_PI = 8;
const WAIT_BITSET = 9;
const WAKE_BITSET = 10;
const PRIVATE = 128;
const ANY = 0xffff_ffff;
const THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

const setUp = (count: number): { kernel: FakeKernel; tasks: Task[]; word: number } => {
  const kernel = new FakeKernel();
  kernel.interrupt = handleInterrupt;
  const init = kernel.start();
  const tasks = [init];
  while (tasks.length < count) tasks.push(kernel.pids.task(call(init, sys_clone, THREAD_FLAGS, 0, 0, 0, 0)) as Task);
  for (const task of tasks) threadOf(task).regs.set(R_RSP, 0x18000);
  return { kernel, tasks, word: memoryOf(init).putWords(7) };
};

const futex = (task: Task, addr: number, op: number, value: number, timeout = 0, addr2 = 0, value3 = 0): number =>
  call(task, sys_futex, addr, op, value, timeout, addr2, value3);

test("wait checks the word, wake wakes in order", () => {
  const { kernel, tasks, word } = setUp(3);
  const [waker, first, second] = tasks;
  assert.equal(futex(first, word, WAIT, 8), EAGAIN);
  assert.equal(futex(first, word + 1, WAIT, 7), EINVAL);
  assert.equal(futex(first, word, WAIT, 7), BLOCKED);
  assert.equal(futex(second, word, WAIT, 7), BLOCKED);
  assert.equal(futex(waker, word, WAKE, 1), 1);
  kernel.run();
  assert.equal(threadOf(first).result, 0);
  assert.notEqual(second.op, null);
  assert.equal(futex(waker, word, WAKE, 9), 1);
  assert.equal(futex(waker, word, WAKE, 9), 0);
});

test("private and shared operations on the same word do not meet", () => {
  const { tasks, word } = setUp(2);
  assert.equal(futex(tasks[1], word, WAIT | PRIVATE, 7), BLOCKED);
  assert.equal(futex(tasks[0], word, WAKE, 1), 0);
  assert.equal(futex(tasks[0], word, WAKE | PRIVATE, 1), 1);
});

test("bitsets", () => {
  const { tasks, word } = setUp(2);
  assert.equal(futex(tasks[1], word, WAIT_BITSET, 7, 0, 0, 0), EINVAL);
  assert.equal(futex(tasks[1], word, WAIT_BITSET, 7, 0, 0, 2), BLOCKED);
  assert.equal(futex(tasks[0], word, WAKE_BITSET, 1, 0, 0, 4), 0);
  assert.equal(futex(tasks[0], word, WAKE_BITSET, 1, 0, 0, 6), 1);
});

test("a timeout ends the wait; a restarted one keeps its deadline", () => {
  const { kernel, tasks, word } = setUp(2);
  const [other, task] = tasks;
  const timeout = memoryOf(task).putLongs(2, 0);
  assert.equal(futex(task, word, WAIT, 7, timeout), BLOCKED);
  kernel.run(kernel.nowNs + 3e9);
  assert.equal(threadOf(task).result, ETIMEDOUT);
  const startNs = kernel.nowNs;
  task.process.actions.set(SIGUSR1, { ...DEFAULT_ACTION, handlerAddr: 0x4000, flags: SA_RESTORER });
  assert.equal(futex(task, word, WAIT, 7, timeout), BLOCKED);
  kernel.run(startNs + 1e9);
  call(other, sys_tgkill, task.process.pid, task.tid, SIGUSR1);
  kernel.run(startNs + 1e9);
  assert.equal(threadOf(task).regs.getLo(R_RAX), EINTR >>> 0);
  assert.equal(call(task, sys_restart_syscall), BLOCKED);
  kernel.run(startNs + 1.5e9);
  assert.notEqual(task.op, null);
  kernel.run(startNs + 2.1e9);
  assert.equal(threadOf(task).result, ETIMEDOUT);
});

test("requeue moves those that are not woken", () => {
  const { tasks, word } = setUp(4);
  const [task, ...waiters] = tasks;
  const target = memoryOf(task).putWords(0);
  for (const waiter of waiters) assert.equal(futex(waiter, word, WAIT, 7), BLOCKED);
  assert.equal(futex(task, word, CMP_REQUEUE, 1, 1, target, 6), EAGAIN);
  assert.equal(futex(task, word, CMP_REQUEUE, 1, 1, target, 7), 2);
  assert.equal(futex(task, target, WAKE, 9), 1);
  assert.equal(futex(task, word, WAKE, 9), 1);
});

test("FUTEX_WAKE_OP changes the second word and wakes by its old value", () => {
  const { tasks, word } = setUp(3);
  const [task, first, second] = tasks;
  const target = memoryOf(task).putWords(5);
  assert.equal(futex(first, word, WAIT, 7), BLOCKED);
  assert.equal(futex(second, target, WAIT, 5), BLOCKED);
  const addOneIfFive = (1 << 28) | (0 << 24) | (1 << 12) | 5;
  assert.equal(futex(task, word, WAKE_OP, 1, 1, target, addOneIfFive), 2);
  assert.equal(memoryOf(task).loadU32(target), 6);
  assert.equal(futex(task, word, WAKE_OP, 1, 1, target, (7 << 28) >>> 0), ENOSYS);
});

test("PI futexes are handed from owner to waiter", () => {
  const { kernel, tasks } = setUp(3);
  const [owner, first, second] = tasks;
  const word = memoryOf(owner).putWords(0);
  assert.equal(futex(owner, word, LOCK_PI, 0), 0);
  assert.equal(memoryOf(owner).loadU32(word), owner.tid);
  assert.equal(futex(owner, word, LOCK_PI, 0), EDEADLK);
  assert.equal(futex(first, word, TRYLOCK_PI, 0), EAGAIN);
  assert.equal(futex(first, word, LOCK_PI, 0), BLOCKED);
  assert.equal(futex(second, word, LOCK_PI, 0), BLOCKED);
  assert.equal(futex(first.process.leader, word + 4, UNLOCK_PI, 0), EPERM);
  assert.equal(futex(owner, word, UNLOCK_PI, 0), 0);
  kernel.run();
  assert.equal(threadOf(first).result, 0);
  assert.equal(memoryOf(owner).loadU32(word), (first.tid | 0x8000_0000) >>> 0);
  call(first, sys_exit, 0);
  kernel.run();
  assert.equal(memoryOf(owner).loadU32(word), (second.tid | 0xc000_0000) >>> 0);
  assert.equal(futex(second, word, UNLOCK_PI, 0), 0);
  assert.equal(memoryOf(owner).loadU32(word), 0);
});

test("a robust list marks its words and wakes a waiter when its owner dies", () => {
  const { kernel, tasks } = setUp(2);
  const [waiter, owner] = tasks;
  const memory = memoryOf(owner);
  const word = memory.putWords((owner.tid | 0x8000_0000) >>> 0);
  const entry = memory.putLongs(0);
  const head = memory.putLongs(entry, word - entry, 0);
  memory.storeU64(entry, head);
  owner.robustListAddr = head;
  assert.equal(futex(waiter, word, WAIT, (owner.tid | 0x8000_0000) >>> 0), BLOCKED);
  call(owner, sys_exit, 0);
  kernel.run();
  assert.equal(memory.loadU32(word), 0xc000_0000);
  assert.equal(threadOf(waiter).result, 0);
});

test("set_tid_address is cleared and woken", () => {
  const { kernel, tasks } = setUp(2);
  const [waiter, task] = tasks;
  const word = memoryOf(task).putWords(task.tid);
  task.clearChildTidAddr = word;
  assert.equal(futex(waiter, word, WAIT, task.tid), BLOCKED);
  call(task, sys_exit, 0);
  kernel.run();
  assert.equal(memoryOf(waiter).loadU32(word), 0);
  assert.equal(threadOf(waiter).result, 0);
});

test("futex_waitv tells which word was woken", () => {
  const { kernel, tasks, word } = setUp(2);
  const [waker, waiter] = tasks;
  const other = memoryOf(waiter).putWords(9);
  const waitersAddr = memoryOf(waiter).putLongs(7, word, 2, 9, other, 2);
  assert.equal(call(waiter, sys_futex_waitv, waitersAddr, 2, 0, 0, 1), BLOCKED);
  assert.equal(futex(waker, other, WAKE_BITSET, 1, 0, 0, ANY), 1);
  kernel.run();
  assert.equal(threadOf(waiter).result, 1);
  assert.equal(futex(waker, word, WAKE, 1), 0);
});
