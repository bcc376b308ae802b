/** Waiting and waking (kernel/futex/waitwake.c, requeue.c). PI futexes: pi-futex.ts. */
import { FUTEX_BITSET_MATCH_ANY } from "../../syscall-tables/flags/time.ts";
import { EAGAIN, EFAULT, EINVAL, ENOSYS, ERESTART_RESTARTBLOCK, ERESTARTSYS, ETIMEDOUT } from "../abi/errno.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../task/blocking.ts";
import type { RestartBlock, Task } from "../task/task.ts";
import { existingQueue, FutexWaiter, found, holdSiblings, identify, queueFor } from "./queues.ts";

class FutexWaitOp extends BlockingOp implements RestartBlock {
  readonly #addr: UserAddr;
  readonly #value: number;
  readonly #isPrivate: boolean;
  readonly #waiter: FutexWaiter;

  constructor(waiter: FutexWaiter, addr: UserAddr, value: number, isPrivate: boolean, deadlineNs: number) {
    super();
    this.#waiter = waiter;
    this.#addr = addr;
    this.#value = value;
    this.#isPrivate = isPrivate;
    this.deadlineNs = deadlineNs;
  }

  /** The waker knows the waiter: there is no queue of tasks. */
  override subscribe(): void {}

  override step(task: Task): number {
    if (this.#waiter.isWoken) return 0;
    // A passed deadline comes before a signal (futex_wait).
    if (this.deadlineNs === Number.POSITIVE_INFINITY) return BLOCKED;
    return task.kernel.clock.monotonicNs() >= this.deadlineNs ? this.timedOut() : BLOCKED;
  }

  override timedOut(): number {
    this.#waiter.queue?.remove(this.#waiter);
    return ETIMEDOUT;
  }

  override interrupted(task: Task): number {
    this.#waiter.queue?.remove(this.#waiter);
    if (this.deadlineNs === Number.POSITIVE_INFINITY) return ERESTARTSYS;
    task.restartBlock = this;
    return ERESTART_RESTARTBLOCK;
  }

  restart(task: Task): number {
    return waitFutex(task, this.#addr, this.#value, this.#waiter.bitset, this.#isPrivate, this.deadlineNs);
  }

  override describe(): string {
    return "futex";
  }
}

/** FUTEX_WAIT, FUTEX_WAIT_BITSET; `deadlineNs` is on CLOCK_MONOTONIC. */
export const waitFutex = (task: Task, addr: UserAddr, value: number, bitset: number, isPrivate: boolean, deadlineNs: number): number => {
  if (bitset === 0) return EINVAL;
  const unknown = identify(task, addr, isPrivate);
  if (unknown !== 0) return unknown;
  // The word as it is now, or was when no waker has come since: none can come between this and the enqueueing.
  let word = task.thread.fetchedWord?.(addr) ?? -1;
  if (word < 0) word = task.thread.process.memory.loadU32(addr);
  if (word < 0) return EFAULT;
  if (word !== value) return EAGAIN;
  const waiter = new FutexWaiter(task, bitset);
  queueFor(found.space, found.offset).add(waiter);
  return task.block(new FutexWaitOp(waiter, addr, value, isPrivate, deadlineNs));
};

/** Wakes up to `count` (at least one) of those that `identify` has found; EINVAL when a PI waiter is among them. */
const wakeFound = (count: number, bitset: number): number => {
  let woken = 0;
  let waiter = existingQueue(found.space, found.offset)?.first ?? null;
  while (waiter !== null) {
    const { next } = waiter;
    if (waiter.pi !== null || waiter.requeueTarget !== null) return EINVAL;
    if ((waiter.bitset & bitset) !== 0) {
      waiter.wake();
      if (++woken >= count) break;
    }
    waiter = next;
  }
  return woken;
};

/** FUTEX_WAKE, FUTEX_WAKE_BITSET. */
export const wakeFutex = (task: Task, addr: UserAddr, count: number, bitset = FUTEX_BITSET_MATCH_ANY, isPrivate = false): number => {
  if (bitset === 0) return EINVAL;
  const unknown = identify(task, addr, isPrivate);
  return unknown === 0 ? wakeFound(count, bitset) : unknown;
};

/** FUTEX_REQUEUE, FUTEX_CMP_REQUEUE (`expected` null: not compared): the woken and the moved. */
export const requeueFutex = (
  task: Task,
  addr: UserAddr,
  isPrivate: boolean,
  targetAddr: UserAddr,
  isTargetPrivate: boolean,
  wakeCount: number,
  requeueCount: number,
  expected: number | null,
): number => {
  if (wakeCount < 0 || requeueCount < 0) return EINVAL;
  const unknownTarget = identify(task, targetAddr, isTargetPrivate);
  if (unknownTarget !== 0) return unknownTarget;
  const { space: targetSpace, offset: targetOffset } = found;
  const unknown = identify(task, addr, isPrivate);
  if (unknown !== 0) return unknown;
  if (expected !== null) {
    const word = task.thread.process.memory.loadU32(addr);
    if (word < 0) return EFAULT;
    if (word !== expected) return EAGAIN;
  }
  const isSame = targetSpace === found.space && targetOffset === found.offset;
  let count = 0;
  let waiter = existingQueue(found.space, found.offset)?.first ?? null;
  while (waiter !== null && count - wakeCount < requeueCount) {
    const { next } = waiter;
    if (waiter.pi !== null || waiter.requeueTarget !== null) return EINVAL;
    if (++count <= wakeCount) waiter.wake();
    else if (!isSame) {
      waiter.queue?.remove(waiter);
      queueFor(targetSpace, targetOffset).add(waiter);
    }
    waiter = next;
  }
  return count;
};

/** futex_atomic_op_inuser: the new value of the word, or ENOSYS as null. */
const applyOperation = (operation: number, word: number, argument: number): number | null => {
  switch (operation) {
    case 0:
      return argument;
    case 1:
      return word + argument;
    case 2:
      return word | argument;
    case 3:
      return word & ~argument;
    case 4:
      return word ^ argument;
    default:
      return null;
  }
};

const compare = (comparison: number, word: number, argument: number): boolean | null => {
  switch (comparison) {
    case 0:
      return word === argument;
    case 1:
      return word !== argument;
    case 2:
      return word < argument;
    case 3:
      return word <= argument;
    case 4:
      return word > argument;
    case 5:
      return word >= argument;
    default:
      return null;
  }
};

/** FUTEX_OP: operation, comparison and two 12-bit signed arguments in one word. */
export const wakeOpFutex = (
  task: Task,
  addr: UserAddr,
  targetAddr: UserAddr,
  wakeCount: number,
  targetWakeCount: number,
  encoded: number,
  isPrivate: boolean,
): number => {
  const unknown = identify(task, addr, isPrivate);
  if (unknown !== 0) return unknown;
  const { space, offset } = found;
  const unknownTarget = identify(task, targetAddr, isPrivate);
  if (unknownTarget !== 0) return unknownTarget;
  const isShifted = encoded >>> 31 !== 0;
  const operand = (encoded << 8) >> 20;
  const argument = isShifted ? 1 << (operand & 31) : operand;
  const { memory } = task.thread.process;
  holdSiblings(task);
  const word = memory.loadU32(targetAddr);
  if (word < 0) return EFAULT;
  const changed = applyOperation((encoded >>> 28) & 7, word | 0, argument);
  if (changed === null) return ENOSYS;
  if (memory.storeU32(targetAddr, changed) < 0) return EFAULT;
  const holds = compare((encoded >>> 24) & 15, word | 0, (encoded << 20) >> 20);
  if (holds === null) return ENOSYS;
  const { space: targetSpace, offset: targetOffset } = found;
  found.space = space;
  found.offset = offset;
  const woken = wakeFound(wakeCount, FUTEX_BITSET_MATCH_ANY);
  if (woken < 0 || !holds) return woken;
  found.space = targetSpace;
  found.offset = targetOffset;
  const more = wakeFound(targetWakeCount, FUTEX_BITSET_MATCH_ANY);
  return more < 0 ? more : woken + more;
};
