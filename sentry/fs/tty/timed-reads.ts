/**
 * VMIN and VTIME (termios(3), "Canonical and noncanonical mode"): when a noncanonical
 * read ends. A terminal's `read` is asked again and again while the call sleeps; the
 * timers of the sleeping calls are kept here, by operation.
 */

import { VMIN, VTIME } from "../../../syscall-tables/flags/terminal.ts";
import type { Timer } from "../../loop/timers.ts";
import type { BlockingOp, WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";

const TENTH_NS = 100_000_000;

class TimedRead implements Timer {
  deadlineNs = 0;
  isExpired = false;
  /** Input bytes when the timer was armed last. */
  seen = 0;
  readonly #owner: TimedReads;
  readonly #task: Task;
  readonly #op: BlockingOp;

  constructor(owner: TimedReads, task: Task, op: BlockingOp) {
    this.#owner = owner;
    this.#task = task;
    this.#op = op;
  }

  fire(): void {
    if (this.#task.op !== this.#op) {
      this.#owner.forget(this.#op);
      return;
    }
    this.isExpired = true;
    this.#owner.wake();
  }
}

/** "read": take what is there. "end": return 0. "wait": EAGAIN. */
export type Verdict = "read" | "end" | "wait";

export class TimedReads {
  readonly #readers: WaitQueue;
  readonly #reads = new Map<BlockingOp, TimedRead>();

  constructor(readers: WaitQueue) {
    this.#readers = readers;
  }

  wake(): void {
    this.#readers.notify();
  }

  forget(op: BlockingOp): void {
    this.#reads.delete(op);
  }

  check(cc: Uint8Array, available: number, wanted: number, task: Task, isNonblocking: boolean): Verdict {
    const minimum = cc[VMIN];
    const timeNs = cc[VTIME] * TENTH_NS;
    if (available >= Math.min(Math.max(1, minimum), wanted)) return this.#done(task, "read");
    if (isNonblocking) return available > 0 ? "read" : minimum === 0 && timeNs === 0 ? "end" : "wait";
    if (timeNs === 0) return minimum === 0 ? "end" : "wait";
    // With VMIN the timer runs between bytes and starts with the first one, else from the call on.
    if (minimum > 0 && available === 0) return "wait";
    const { op } = task;
    if (op === null) return "wait";
    let read = this.#reads.get(op);
    if (read === undefined) {
      read = new TimedRead(this, task, op);
      this.#reads.set(op, read);
      this.#arm(read, task, timeNs, available);
    } else if (available > read.seen) {
      this.#arm(read, task, timeNs, available);
    } else if (read.isExpired) {
      return this.#done(task, available > 0 ? "read" : "end");
    }
    return "wait";
  }

  #arm(read: TimedRead, task: Task, timeNs: number, available: number): void {
    read.isExpired = false;
    read.seen = available;
    read.deadlineNs = task.kernel.clock.monotonicNs() + timeNs;
    task.kernel.timers.arm(read);
  }

  #done(task: Task, verdict: Verdict): Verdict {
    if (this.#reads.size === 0 || task.op === null) return verdict;
    const read = this.#reads.get(task.op);
    if (read !== undefined) {
      task.kernel.timers.cancel(read);
      this.#reads.delete(task.op);
    }
    return verdict;
  }
}
