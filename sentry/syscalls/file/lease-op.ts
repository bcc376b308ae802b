/** open(2) and truncate(2) sleep until the leases of others on the file are given back (__break_lease). */
import { EAGAIN } from "../../abi/errno.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { type InodeLeases, takeAwaitedLeases } from "../../vfs/leases.ts";

/** The call is tried again from its start when a lease goes. */
export abstract class LeaseOp extends BlockingOp {
  #leases: InodeLeases;

  constructor(leases: InodeLeases) {
    super();
    this.#leases = leases;
    this.deadlineNs = leases.nextEndNs;
  }

  /** The whole call: its result, or EAGAIN. */
  protected abstract again(task: Task): number;

  subscribe(task: Task): void {
    task.waitOn(this.#leases.queue);
  }

  step(task: Task): number {
    const result = this.again(task);
    if (result !== EAGAIN) return result;
    const leases = takeAwaitedLeases();
    if (leases === null) return EAGAIN;
    if (leases !== this.#leases) task.waitOn(leases.queue);
    this.#leases = leases;
    this.deadlineNs = leases.nextEndNs;
    return BLOCKED;
  }

  override timedOut(): number {
    return BLOCKED;
  }

  describe(): string {
    return "__break_lease";
  }
}
