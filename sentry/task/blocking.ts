/**
 * How a system call sleeps. Objects never block: they return EAGAIN and expose a
 * WaitQueue. Only `syscalls/` and `task/` know BLOCKED. A sleeping call is a
 * BlockingOp: plain fields, stepped again whenever one of its queues fires.
 */
import { EINTR, ERESTARTSYS } from "../abi/errno.ts";
import type { Task } from "./task.ts";

/** The handler's "not finished, an op is installed" result; outside Linux's -4095..-1. */
export const BLOCKED = -4096;

/** The result of a wait before a call has begun: it begins now. */
export const CALL_GOES_ON = -4098;

/** POLL* bits; what changed. ~0 when the notifier does not care to say. */
export const ANY_EVENT = 0xffff;

export interface Waiter {
  /** Called synchronously by `WaitQueue.notify`; must not re-enter the object. */
  wake(events: number, queue: WaitQueue): void;
}

/** A set of waiters, in arrival order. */
export class WaitQueue {
  readonly #waiters = new Set<Waiter>();

  add(waiter: Waiter): void {
    this.#waiters.add(waiter);
  }

  remove(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  get isEmpty(): boolean {
    return this.#waiters.size === 0;
  }

  /**
   * Tells every waiter once; a waiter decides itself whether the events matter. One that
   * leaves and waits again while it is told stands at the end: it is not told again.
   */
  notify(events: number = ANY_EVENT): void {
    let untold = this.#waiters.size;
    for (const waiter of this.#waiters) {
      if (untold-- === 0) return;
      waiter.wake(events, this);
    }
  }
}

/** A system call that waits. One class per verb; no closures or promises inside. */
export abstract class BlockingOp {
  /** Absolute CLOCK_MONOTONIC time in ns at which `timedOut` is asked; Infinity: never. */
  deadlineNs = Number.POSITIVE_INFINITY;

  /** Subscribes with `task.waitOn(queue)`; called once, when the task starts to sleep. */
  abstract subscribe(task: Task): void;

  /** Tries (again): a result, an errno, or BLOCKED. */
  abstract step(task: Task): number;

  /** The result when a signal ends the wait. */
  interrupted(_task: Task): number {
    return ERESTARTSYS;
  }

  /** The result when the deadline passes. */
  timedOut(_task: Task): number {
    return EINTR;
  }

  /** Only a deadly signal ends the wait (TASK_KILLABLE): shown as D. */
  get isKillableOnly(): boolean {
    return false;
  }

  /** One word for /proc/pid/wchan, dumps and --strace. */
  abstract describe(): string;
}
