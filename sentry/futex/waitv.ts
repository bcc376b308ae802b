/** futex_waitv(2): waiting on many words at once (kernel/futex/waitwake.c futex_wait_multiple). */
import { FUTEX_BITSET_MATCH_ANY } from "../../syscall-tables/flags/time.ts";
import { EAGAIN, EFAULT, ERESTARTSYS, ETIMEDOUT } from "../abi/errno.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../task/blocking.ts";
import type { Task } from "../task/task.ts";
import { FutexWaiter, found, identify, queueFor } from "./queues.ts";

export interface WaitvEntry {
  readonly addr: UserAddr;
  readonly value: number;
  readonly isPrivate: boolean;
}

class WaitvOp extends BlockingOp {
  readonly #waiters: readonly FutexWaiter[];

  constructor(waiters: readonly FutexWaiter[], deadlineNs: number) {
    super();
    this.#waiters = waiters;
    this.deadlineNs = deadlineNs;
  }

  override subscribe(): void {}

  /** The index of a woken one; the last of them, as Linux unqueues in order and remembers the last. */
  override step(): number {
    let woken = BLOCKED;
    for (let i = 0; i < this.#waiters.length; i++) if (this.#waiters[i].isWoken) woken = i;
    if (woken !== BLOCKED) this.#leave();
    return woken;
  }

  override interrupted(): number {
    this.#leave();
    return ERESTARTSYS;
  }

  override timedOut(): number {
    this.#leave();
    return ETIMEDOUT;
  }

  #leave(): void {
    for (const waiter of this.#waiters) waiter.queue?.remove(waiter);
  }

  override describe(): string {
    return "futex_waitv";
  }
}

export const waitFutexes = (task: Task, entries: readonly WaitvEntry[], deadlineNs: number): number => {
  const { memory } = task.thread.process;
  const waiters: FutexWaiter[] = [];
  let failed = 0;
  for (const { addr, value, isPrivate } of entries) {
    failed = identify(task, addr, isPrivate);
    if (failed !== 0) break;
    const word = memory.loadU32(addr);
    if (word < 0) failed = EFAULT;
    else if (word !== value) failed = EAGAIN;
    if (failed !== 0) break;
    const waiter = new FutexWaiter(task, FUTEX_BITSET_MATCH_ANY);
    queueFor(found.space, found.offset).add(waiter);
    waiters.push(waiter);
  }
  if (failed === 0) return task.block(new WaitvOp(waiters, deadlineNs));
  for (const waiter of waiters) waiter.queue?.remove(waiter);
  return failed;
};
