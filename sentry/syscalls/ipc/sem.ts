import { SEM_UNDO } from "../../../syscall-tables/flags/ipc.ts";
import { E2BIG, EACCES, EAGAIN, EFAULT, EFBIG, EINTR, EINVAL, ENOSPC, isErrno } from "../../abi/errno.ts";
import { ipcNamespaceOf, ipcTime } from "../../ipc/ipc-namespace.ts";
import { IPC_READ, IPC_WRITE, IpcPermission } from "../../ipc/ipc-permission.ts";
import { type PendingOperations, type SemaphoreOperation, SemaphoreSet, WAIT } from "../../ipc/semaphore-set.ts";
import { undoListOf } from "../../ipc/semaphore-undo.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { deadlineAfter, readTimespec } from "../poll/timeout.ts";

const SEMBUF_SIZE = 6;

/** semget(2) */
export const sys_semget = implement("semget", { level: "full" }, (task, key, count, flags) => {
  const { semaphores } = ipcNamespaceOf(task);
  if (count < 0 || count > ipcNamespaceOf(task).limits.semmsl) return EINVAL;
  return semaphores.obtain(
    task,
    key,
    flags,
    (set) => (count > set.values.length ? EINVAL : 0),
    () => {
      if (count === 0) return EINVAL;
      let used = 0;
      for (const set of semaphores.values()) used += set.values.length;
      if (used + count > ipcNamespaceOf(task).limits.semmns) return ENOSPC;
      return new SemaphoreSet(new IpcPermission(task, key, flags), count, ipcTime(task));
    },
  );
});

class SemaphoreOp extends BlockingOp {
  readonly #set: SemaphoreSet;
  readonly #state: PendingOperations;

  constructor(set: SemaphoreSet, state: PendingOperations, deadlineNs: number) {
    super();
    this.#set = set;
    this.#state = state;
    this.deadlineNs = deadlineNs;
  }

  subscribe(task: Task): void {
    this.#set.pending.push(this.#state);
    task.waitOn(this.#set.queue);
  }

  step(task: Task): number {
    const { result } = this.#state;
    if (result === null) return BLOCKED;
    if (result === 0) this.#set.operationTime = ipcTime(task);
    return result;
  }

  #withdraw(result: number): number {
    const at = this.#set.pending.indexOf(this.#state);
    if (at >= 0) this.#set.pending.splice(at, 1);
    return result;
  }

  // signal(7): never restarted.
  override interrupted(_task: Task): number {
    return this.#withdraw(EINTR);
  }

  override timedOut(_task: Task): number {
    return this.#withdraw(EAGAIN);
  }

  describe(): string {
    return "do_semtimedop";
  }
}

const semop = (task: Task, id: number, operationsAddr: UserAddr, count: number, timeoutNs: number): number => {
  if (count < 1 || id < 0) return EINVAL;
  if (count > ipcNamespaceOf(task).limits.semopm) return E2BIG;
  const view = task.memory.viewIn(operationsAddr, count * SEMBUF_SIZE);
  if (typeof view === "number") return view;
  const set = ipcNamespaceOf(task).semaphores.get(id);
  if (isErrno(set)) return set;
  const operations: SemaphoreOperation[] = [];
  let isChanging = false;
  let wantsUndo = false;
  for (let i = 0; i < count; i++) {
    const at = i * SEMBUF_SIZE;
    const number = view.getUint16(at, true);
    if (number >= set.values.length) return EFBIG;
    const change = view.getInt16(at + 2, true);
    const flags = view.getUint16(at + 4, true);
    if (change !== 0) isChanging = true;
    if (change !== 0 && (flags & SEM_UNDO) !== 0) wantsUndo = true;
    operations.push({ number, change, flags });
  }
  if (set.permission.check(task, isChanging ? IPC_WRITE : IPC_READ) < 0) return EACCES;
  const undo = wantsUndo ? undoListOf(task) : null;
  const state: PendingOperations = { operations, undo, pid: task.process.pid, blocking: operations[0], result: null };
  const result = set.attempt(state);
  if (result === WAIT) return task.block(new SemaphoreOp(set, state, deadlineAfter(task, timeoutNs)));
  if (result === 0) {
    set.operationTime = ipcTime(task);
    if (isChanging) set.settle();
  }
  return result;
};

/** semop(2) */
export const sys_semop = implement("semop", { level: "full" }, (task, id, operationsAddr, count) =>
  semop(task, id, operationsAddr, count, Number.POSITIVE_INFINITY),
);

/** semtimedop(2) */
export const sys_semtimedop = implement("semtimedop", { level: "full" }, (task, id, operationsAddr, count, timeoutAddr) => {
  const timeoutNs = readTimespec(task, timeoutAddr);
  if (timeoutNs < 0) return timeoutNs === EFAULT ? EFAULT : EINVAL;
  return semop(task, id, operationsAddr, count, timeoutNs);
});
