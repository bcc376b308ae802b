import assert from "node:assert/strict";
import { test } from "node:test";
import {
  GETALL,
  GETNCNT,
  GETPID,
  GETVAL,
  GETZCNT,
  IPC_CREAT,
  IPC_EXCL,
  IPC_NOWAIT,
  IPC_PRIVATE,
  IPC_RMID,
  IPC_STAT,
  MSG_EXCEPT,
  MSG_NOERROR,
  SEM_UNDO,
  SETALL,
  SETVAL,
} from "../../../syscall-tables/flags/ipc.ts";
import { O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from "../../../syscall-tables/flags/open.ts";
import {
  E2BIG,
  EACCES,
  EAGAIN,
  EBADF,
  EEXIST,
  EFBIG,
  EIDRM,
  EINTR,
  EINVAL,
  EMSGSIZE,
  ENOENT,
  ENOMSG,
  ERANGE,
  ETIMEDOUT,
} from "../../abi/errno.ts";
import { undoSemaphores } from "../../ipc/semaphore-undo.ts";
import { R_R10 } from "../../platform/registers.ts";
import { BLOCKED } from "../../task/blocking.ts";
import { Credentials } from "../../task/credentials.ts";
import type { Implementation } from "../implement.ts";
import { FakeKernel, FakeTask } from "../poll/fake-task.ts";
import { sys_mq_open, sys_mq_unlink } from "./mq.ts";
import { sys_mq_timedreceive, sys_mq_timedsend } from "./mq-transfer.ts";
import { sys_msgget, sys_msgrcv, sys_msgsnd } from "./msg.ts";
import { sys_msgctl } from "./msgctl.ts";
import { sys_semget, sys_semop, sys_semtimedop } from "./sem.ts";
import { sys_semctl } from "./semctl.ts";

const caller = (kernel = new FakeKernel()) => {
  const task = new FakeTask(kernel);
  const call = (implementation: Implementation, ...args: (number | string)[]): number => {
    // msgrcv(2) takes all 64 bits of its fourth argument from the register.
    const fourth = Number(args[3] ?? 0);
    const half = (value: number) => (index: number) => (index === R_R10 ? value : 0);
    Object.assign(task.asTask, { thread: { regs: { getLo: half(fourth >>> 0), getHi: half(Math.floor(fourth / 2 ** 32) >>> 0) } } });
    return implementation.handler(task.asTask, ...(args as never[]));
  };
  /** struct sembuf entries. */
  const sembufs = (...entries: [number, number, number][]): number =>
    task.memory.put(new Uint8Array(Int16Array.from(entries.flat()).buffer));
  /** struct msgbuf */
  const message = (type: number, text: string): number => {
    const bytes = new Uint8Array(8 + text.length);
    bytes[0] = type;
    bytes.set(Buffer.from(text), 8);
    return task.memory.put(bytes);
  };
  return { task, kernel, call, sembufs, message };
};

const MODE = IPC_CREAT | 0o600;

test("keys find sets, and ids are not used again at once", () => {
  const { call } = caller();
  assert.equal(call(sys_semget, 5, 1, 0), ENOENT);
  const id = call(sys_semget, 5, 2, MODE);
  assert.equal(call(sys_semget, 5, 2, 0), id);
  assert.equal(call(sys_semget, 5, 3, 0), EINVAL);
  assert.equal(call(sys_semget, 5, 2, MODE | IPC_EXCL), EEXIST);
  assert.equal(call(sys_semctl, id, 0, IPC_RMID, 0), 0);
  assert.equal(call(sys_semctl, id, 0, GETVAL, 0), EINVAL);
  assert.notEqual(call(sys_semget, 5, 2, MODE), id);
  assert.notEqual(call(sys_semget, IPC_PRIVATE, 1, MODE), call(sys_semget, IPC_PRIVATE, 1, MODE));
});

test("permissions follow the mode", () => {
  const owner = caller();
  const other = caller(owner.kernel);
  other.task.creds = Credentials.create(1000, 1000);
  const id = owner.call(sys_semget, 7, 1, IPC_CREAT | 0o640);
  assert.equal(other.call(sys_semget, 7, 1, 0o400), EACCES);
  assert.equal(other.call(sys_semop, id, other.sembufs([0, 1, 0]), 1), EACCES);
});

test("operations happen all or not at all", () => {
  const { call, sembufs, task } = caller();
  const id = call(sys_semget, IPC_PRIVATE, 3, MODE);
  const values = task.memory.put(new Uint8Array(Uint16Array.of(1, 2, 0).buffer));
  assert.equal(call(sys_semctl, id, 0, SETALL, values), 0);
  assert.equal(call(sys_semop, id, sembufs([0, -1, 0], [2, -1, IPC_NOWAIT]), 2), EAGAIN);
  assert.equal(call(sys_semctl, id, 0, GETVAL, 0), 1);
  assert.equal(call(sys_semop, id, sembufs([0, -1, 0], [0, 0, IPC_NOWAIT], [2, 5, 0]), 3), 0);
  const out = task.memory.put(new Uint8Array(6));
  assert.equal(call(sys_semctl, id, 0, GETALL, out), 0);
  assert.deepEqual(
    [0, 2, 4].map((at) => task.memory.loadU16(out + at)),
    [0, 2, 5],
  );
  assert.equal(call(sys_semop, id, sembufs([0, 32767, 0], [0, 1, 0]), 2), ERANGE);
  assert.equal(call(sys_semop, id, sembufs([3, 1, 0]), 1), EFBIG);
  assert.equal(call(sys_semop, id, sembufs([0, 1, 0]), 501), E2BIG);
  assert.equal(call(sys_semctl, id, 0, SETVAL, 32768), ERANGE);
});

test("sleepers are served in order and cannot be overtaken", () => {
  const first = caller();
  const second = caller(first.kernel);
  const giver = caller(first.kernel);
  const id = giver.call(sys_semget, IPC_PRIVATE, 1, MODE);
  assert.equal(first.call(sys_semop, id, first.sembufs([0, -2, 0]), 1), BLOCKED);
  assert.equal(second.call(sys_semop, id, second.sembufs([0, -1, 0]), 1), BLOCKED);
  assert.equal(giver.call(sys_semctl, id, 0, GETNCNT, 0), 2);
  assert.equal(giver.call(sys_semctl, id, 0, GETZCNT, 0), 0);
  giver.call(sys_semop, id, giver.sembufs([0, 2, 0]), 1);
  assert.equal(giver.call(sys_semop, id, giver.sembufs([0, -1, IPC_NOWAIT]), 1), EAGAIN);
  first.kernel.run();
  assert.equal(first.task.result, 0);
  assert.equal(second.task.result, BLOCKED);
  giver.call(sys_semctl, id, 0, IPC_RMID, 0);
  first.kernel.run();
  assert.equal(second.task.result, EIDRM);
});

test("waiting for zero, timeouts and signals", () => {
  const { call, sembufs, task, kernel } = caller();
  const id = call(sys_semget, IPC_PRIVATE, 1, MODE);
  call(sys_semctl, id, 0, SETVAL, 1);
  assert.equal(call(sys_semtimedop, id, sembufs([0, 0, 0]), 1, task.memory.putLongs(0, 5e6)), BLOCKED);
  kernel.run(kernel.nowNs + 1e7);
  assert.equal(task.result, EAGAIN);
  assert.equal(call(sys_semctl, id, 0, GETZCNT, 0), 0);
  call(sys_semop, id, sembufs([0, 0, 0]), 1);
  task.isInterrupted = true;
  kernel.schedule(task);
  kernel.run();
  assert.equal(task.result, EINTR);
});

test("SEM_UNDO gives back at the end, and SETVAL forgets it", () => {
  const worker = caller();
  const watcher = caller(worker.kernel);
  const id = watcher.call(sys_semget, IPC_PRIVATE, 2, MODE);
  for (const number of [0, 1]) watcher.call(sys_semctl, id, number, SETVAL, 3);
  worker.call(sys_semop, id, worker.sembufs([0, -2, SEM_UNDO], [1, -1, SEM_UNDO]), 2);
  watcher.call(sys_semctl, id, 1, SETVAL, 9);
  assert.equal(watcher.call(sys_semop, id, watcher.sembufs([0, -3, 0]), 1), BLOCKED);
  undoSemaphores(worker.task.asTask);
  watcher.kernel.run();
  assert.equal(watcher.task.result, 0);
  assert.equal(watcher.call(sys_semctl, id, 0, GETVAL, 0), 0);
  assert.equal(watcher.call(sys_semctl, id, 1, GETVAL, 0), 9);
  assert.equal(watcher.call(sys_semctl, id, 2, GETPID, 0), EINVAL);
});

test("messages are chosen by type", () => {
  const { call, message, task } = caller();
  const id = call(sys_msgget, IPC_PRIVATE, MODE);
  const addr = task.memory.put(new Uint8Array(64));
  for (const [type, text] of [
    [3, "three"],
    [1, "one"],
    [2, "two"],
    [1, "uno"],
  ] as const) {
    assert.equal(call(sys_msgsnd, id, message(type, text), text.length, 0), 0);
  }
  const receive = (type: number, flags = IPC_NOWAIT, length = 32): [number, string] | number => {
    const n = call(sys_msgrcv, id, addr, length, type, flags);
    return n < 0 ? n : [task.memory.loadU64(addr), Buffer.from(task.memory.copyIn(addr + 8, n) as Uint8Array).toString()];
  };
  assert.deepEqual(receive(-2), [1, "one"]);
  assert.deepEqual(receive(2), [2, "two"]);
  assert.equal(receive(2), ENOMSG);
  assert.deepEqual(receive(3, IPC_NOWAIT | MSG_EXCEPT), [1, "uno"]);
  assert.equal(receive(0, IPC_NOWAIT, 2), E2BIG);
  assert.deepEqual(receive(0, IPC_NOWAIT | MSG_NOERROR, 2), [3, "th"]);
  assert.equal(call(sys_msgsnd, id, message(0, "x"), 1, 0), EINVAL);
  assert.equal(call(sys_msgsnd, id, message(1, "x"), 8193, 0), EINVAL);
});

test("a full queue holds the sender, an empty one the receiver, until it is removed", () => {
  const sender = caller();
  const receiver = caller(sender.kernel);
  const id = sender.call(sys_msgget, IPC_PRIVATE, MODE);
  const big = sender.task.memory.putLongs(1);
  sender.task.memory.put(new Uint8Array(8192));
  for (let i = 0; i < 2; i++) assert.equal(sender.call(sys_msgsnd, id, big, 8192, 0), 0);
  assert.equal(sender.call(sys_msgsnd, id, big, 1, IPC_NOWAIT), EAGAIN);
  assert.equal(sender.call(sys_msgsnd, id, big, 1, 0), BLOCKED);
  const addr = receiver.task.memory.put(new Uint8Array(9000));
  assert.equal(receiver.call(sys_msgrcv, id, addr, 8192, 0, 0), 8192);
  sender.kernel.run();
  assert.equal(sender.task.result, 0);
  const status = receiver.task.memory.put(new Uint8Array(120));
  assert.equal(receiver.call(sys_msgctl, id, IPC_STAT, status), 0);
  assert.deepEqual(
    [72, 80, 88].map((at) => receiver.task.memory.loadU64(status + at)),
    [8193, 2, 16384],
  );
  receiver.call(sys_msgrcv, id, addr, 8192, 0, 0);
  receiver.call(sys_msgrcv, id, addr, 8192, 0, 0);
  assert.equal(receiver.call(sys_msgrcv, id, addr, 8192, 0, 0), BLOCKED);
  assert.equal(sender.call(sys_msgctl, id, IPC_RMID, 0), 0);
  sender.kernel.run();
  assert.equal(receiver.task.result, EIDRM);
});

test("POSIX queues order by priority, block and time out", () => {
  const { call, task, kernel } = caller();
  assert.equal(call(sys_mq_open, "q", O_RDWR, 0, 0), ENOENT);
  const attr = task.memory.putLongs(0, 2, 16, 0, 0, 0, 0, 0);
  const fd = call(sys_mq_open, "q", O_RDWR | O_CREAT, 0o600, attr);
  assert.ok(fd >= 0);
  assert.equal(call(sys_mq_open, "a/b", O_RDWR | O_CREAT, 0o600, 0), EACCES);
  const data = task.memory.put("abcdefghijklmnopqrstuvwxyz");
  const out = task.memory.put(new Uint8Array(32));
  const priority = task.memory.putWords(0);
  assert.equal(call(sys_mq_timedsend, fd, data, 17, 0, 0), EMSGSIZE);
  assert.equal(call(sys_mq_timedsend, fd, data, 1, 32768, 0), EINVAL);
  assert.equal(call(sys_mq_timedsend, fd, data, 1, 1, 0), 0);
  assert.equal(call(sys_mq_timedsend, fd, data + 1, 1, 5, 0), 0);
  const soon = task.memory.putLongs(Math.floor((kernel.clock.realtimeNs() + 5e9) / 1e9), 0);
  assert.equal(call(sys_mq_timedsend, fd, data, 1, 1, soon), BLOCKED);
  kernel.run(kernel.nowNs + 6e9);
  assert.equal(task.result, ETIMEDOUT);
  assert.equal(call(sys_mq_timedreceive, fd, out, 15, 0, 0), EMSGSIZE);
  assert.equal(call(sys_mq_timedreceive, fd, out, 16, priority, 0), 1);
  assert.deepEqual([task.memory.loadU8(out), task.memory.loadU32(priority)], [98, 5]);
  assert.equal(call(sys_mq_timedreceive, fd, out, 16, 0, 0), 1);
  assert.equal(call(sys_mq_timedreceive, fd, out, 16, 0, 0), BLOCKED);
  const other = caller(kernel);
  const writer = other.call(sys_mq_open, "q", O_WRONLY | O_NONBLOCK, 0, 0);
  assert.equal(other.call(sys_mq_timedreceive, writer, out, 16, 0, 0), EBADF);
  assert.equal(other.call(sys_mq_timedsend, writer, other.task.memory.put("z"), 1, 0, 0), 0);
  kernel.run();
  assert.equal(task.result, 1);
  const reader = call(sys_mq_open, "q", O_RDONLY | O_NONBLOCK, 0, 0);
  assert.equal(call(sys_mq_timedreceive, reader, out, 16, 0, 0), EAGAIN);
  assert.equal(call(sys_mq_unlink, "q"), 0);
  assert.equal(call(sys_mq_unlink, "q"), ENOENT);
});
