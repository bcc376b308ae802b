/**
 * Nobody tells of the end of a lock that a host process holds, so whoever waits for one looks again: after one
 * millisecond, then less and less often.
 */
import type { Timer } from "../../loop/timers.ts";
import type { Task } from "../../task/task.ts";
import type { Inode } from "../../vfs/inode.ts";

const FIRST_NS = 1e6;
const LONGEST_NS = 20e6;

const timers = new WeakMap<Inode, HostLockTimer>();

class HostLockTimer implements Timer {
  deadlineNs = 0;
  readonly #inode: Inode;
  readonly #task: Task;
  #pauseNs = FIRST_NS;

  constructor(inode: Inode, task: Task) {
    this.#inode = inode;
    this.#task = task;
    this.#arm();
  }

  #arm(): void {
    const { clock, timers: wheel } = this.#task.kernel;
    this.deadlineNs = clock.monotonicNs() + this.#pauseNs;
    this.#pauseNs = Math.min(LONGEST_NS, this.#pauseNs * 2);
    wheel.arm(this);
  }

  fire(): void {
    const { locks } = this.#inode;
    if (locks === null || locks.queue.isEmpty) {
      timers.delete(this.#inode);
      return;
    }
    this.#arm();
    locks.queue.notify();
  }
}

/** Call it when a task begins to wait for a lock on `inode`. */
export const watchHostLock = (inode: Inode, task: Task): void => {
  if (inode.hostLocks()?.isRefused && !timers.has(inode)) timers.set(inode, new HostLockTimer(inode, task));
};
