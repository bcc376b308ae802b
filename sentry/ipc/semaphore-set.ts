/** A System V semaphore set and the operations that wait on it (ipc/sem.c). */
import { IPC_NOWAIT, SEM_UNDO } from "../../syscall-tables/flags/ipc.ts";
import { EAGAIN, EIDRM, ERANGE } from "../abi/errno.ts";
import { WaitQueue } from "../task/blocking.ts";
import type { IpcPermission } from "./ipc-permission.ts";
import type { IpcObject } from "./ipc-table.ts";
import type { UndoList } from "./semaphore-undo.ts";

/** SEMVMX and SEMAEM */
export const SEMAPHORE_MAX = 32767;

/** struct sembuf */
export interface SemaphoreOperation {
  readonly number: number;
  readonly change: number;
  readonly flags: number;
}

/** What `attempt` says when the operations have to wait. */
export const WAIT = 1;

/** A sleeping semop(2): whoever makes it possible carries it out, so that nobody overtakes it. */
export interface PendingOperations {
  readonly operations: readonly SemaphoreOperation[];
  readonly undo: UndoList | null;
  readonly pid: number;
  /** The operation it waits for. */
  blocking: SemaphoreOperation;
  /** 0 or an errno once it is settled. */
  result: number | null;
}

export class SemaphoreSet implements IpcObject {
  readonly permission: IpcPermission;
  readonly values: Uint16Array;
  readonly pids: Int32Array;
  /** Seconds since the epoch. */
  operationTime = 0;
  changeTime: number;
  readonly queue = new WaitQueue();
  readonly pending: PendingOperations[] = [];
  /** semadj by undo list. */
  readonly undos = new Map<UndoList, Int16Array>();

  constructor(permission: IpcPermission, count: number, now: number) {
    this.permission = permission;
    this.values = new Uint16Array(count);
    this.pids = new Int32Array(count);
    this.changeTime = now;
  }

  /** perform_atomic_semop(): 0 (all done), WAIT with `blocking` set in `state`, or EAGAIN or ERANGE with nothing done. */
  attempt(state: PendingOperations): number {
    const { operations, undo } = state;
    const adjustments = undo === null ? null : (this.undos.get(undo) ?? null);
    const before = operations.map(({ number }) => this.values[number]);
    let result = 0;
    let done = 0;
    for (; done < operations.length; done++) {
      const operation = operations[done];
      const value = this.values[operation.number];
      const next = value + operation.change;
      if ((operation.change === 0 && value !== 0) || next < 0) {
        state.blocking = operation;
        result = (operation.flags & IPC_NOWAIT) !== 0 ? EAGAIN : WAIT;
        break;
      }
      if (next > SEMAPHORE_MAX) {
        result = ERANGE;
        break;
      }
      if ((operation.flags & SEM_UNDO) !== 0) {
        const adjusted = (adjustments?.[operation.number] ?? 0) - operation.change;
        if (adjusted < -SEMAPHORE_MAX - 1 || adjusted > SEMAPHORE_MAX) {
          result = ERANGE;
          break;
        }
      }
      this.values[operation.number] = next;
    }
    if (result !== 0) {
      for (let i = done - 1; i >= 0; i--) this.values[operations[i].number] = before[i];
      return result;
    }
    for (const { number, change, flags } of operations) {
      this.pids[number] = state.pid;
      if ((flags & SEM_UNDO) !== 0 && undo !== null) this.adjustmentsOf(undo)[number] -= change;
    }
    return 0;
  }

  /** The semadj values that `undo` keeps for this set. */
  adjustmentsOf(undo: UndoList): Int16Array {
    let adjustments = this.undos.get(undo);
    if (adjustments === undefined) {
      adjustments = new Int16Array(this.values.length);
      this.undos.set(undo, adjustments);
      undo.sets.add(this);
    }
    return adjustments;
  }

  /** After a change: carries out what can go on now, oldest first (do_smart_update). */
  settle(): void {
    let isSettled = false;
    for (let i = 0; i < this.pending.length; ) {
      const state = this.pending[i];
      const result = this.attempt(state);
      if (result === WAIT) {
        i++;
        continue;
      }
      state.result = result;
      this.pending.splice(i, 1);
      isSettled = true;
      // What it changed may let an older one go on.
      if (result === 0 && state.operations.some(({ change }) => change !== 0)) i = 0;
    }
    if (isSettled) this.queue.notify();
  }

  /** semctl(2) SETVAL and SETALL: `values` from semaphore `first` on. */
  assign(first: number, values: ArrayLike<number>, pid: number, now: number): void {
    for (let i = 0; i < values.length; i++) {
      this.values[first + i] = values[i];
      this.pids[first + i] = pid;
      for (const adjustments of this.undos.values()) adjustments[first + i] = 0;
    }
    this.changeTime = now;
    this.settle();
  }

  /** GETNCNT (`wantsZero` false) and GETZCNT. */
  countWaiting(number: number, wantsZero: boolean): number {
    return this.pending.filter(({ blocking }) => blocking.number === number && (blocking.change === 0) === wantsZero).length;
  }

  /** IPC_RMID: every sleeper gets EIDRM. */
  destroy(): void {
    for (const state of this.pending) state.result = EIDRM;
    this.pending.length = 0;
    for (const undo of this.undos.keys()) undo.sets.delete(this);
    this.undos.clear();
    this.queue.notify();
  }
}
