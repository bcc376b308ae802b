/** open(2) of a FIFO sleeps until the other end is opened too (fifo(7)). */
import { EAGAIN, ERESTARTSYS } from "../../abi/errno.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { OpenFile } from "../../vfs/open-file.ts";

export const waitsForPeer = (task: Task, file: OpenFile): boolean => file.waitQueue !== null && file.opening(task) === EAGAIN;

export class OpenOp extends BlockingOp {
  readonly #file: OpenFile;
  readonly #isCloexec: boolean;

  constructor(file: OpenFile, isCloexec: boolean) {
    super();
    this.#file = file;
    this.#isCloexec = isCloexec;
  }

  subscribe(task: Task): void {
    const { waitQueue } = this.#file;
    if (waitQueue !== null) task.waitOn(waitQueue);
  }

  step(task: Task): number {
    const state = this.#file.opening(task);
    if (state === EAGAIN) return BLOCKED;
    const fd = state < 0 ? state : task.files.install(this.#file, this.#isCloexec);
    if (fd < 0) this.#file.put();
    return fd;
  }

  override interrupted(_task: Task): number {
    this.#file.put();
    return ERESTARTSYS;
  }

  describe(): string {
    return "open";
  }
}
