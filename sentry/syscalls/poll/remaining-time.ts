/** The time that select(2), pselect6(2) and ppoll(2) leave in the caller's timeout (poll_select_finish() of fs/select.c). */
import { EINTR, ERESTARTNOHAND } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";
import { deadlineAfter, writeTimeout } from "./timeout.ts";

export class RemainingTime {
  readonly #addr: UserAddr;
  readonly #deadlineNs: number;
  /** ns in the second word's unit: timespec 1, timeval 1000. */
  readonly #unit: 1 | 1000;

  constructor(task: Task, addr: UserAddr, timeoutNs: number, unit: 1 | 1000) {
    // A zero timeout is not updated.
    this.#addr = timeoutNs === 0 || timeoutNs === Number.POSITIVE_INFINITY ? 0 : addr;
    this.#deadlineNs = deadlineAfter(task, timeoutNs);
    this.#unit = unit;
  }

  /** Ends the call: a restart needs the new timeout, so it becomes EINTR where that cannot be stored. */
  store(task: Task, result: number): number {
    if (this.#addr === 0) return result;
    const leftNs = Math.max(0, Math.floor(this.#deadlineNs - task.kernel.clock.monotonicNs()));
    if (writeTimeout(task, this.#addr, leftNs, this.#unit)) return result;
    return result === ERESTARTNOHAND ? EINTR : result;
  }
}
