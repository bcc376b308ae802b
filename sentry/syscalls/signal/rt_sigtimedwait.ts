import { EAGAIN, EFAULT, EINTR, EINVAL } from "../../abi/errno.ts";
import { SIGSET_SIZE, UNBLOCKABLE_LO } from "../../abi/signal.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import { packSignalInfo } from "../../task/signal-info.ts";
import { dequeueSignal } from "../../task/signals.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { readTimespecNs } from "../time/timespec.ts";
import { readSigset, sigset } from "./sigset.ts";

class SignalWaitOp extends BlockingOp {
  readonly #lo: number;
  readonly #hi: number;
  readonly #infoAddr: UserAddr;

  constructor(lo: number, hi: number, infoAddr: UserAddr) {
    super();
    this.#lo = lo;
    this.#hi = hi;
    this.#infoAddr = infoAddr;
  }

  override subscribe(task: Task): void {
    task.waitOn(task.signals.waitQueue);
    // Awaited signals are kept even where they would be ignored or deadly.
    task.signals.awaitedLo = this.#lo;
    task.signals.awaitedHi = this.#hi;
  }

  override step(task: Task): number {
    const result = this.take(task);
    return result === BLOCKED ? BLOCKED : this.#end(task, result);
  }

  /** The signal number, EFAULT, or BLOCKED when none is pending. */
  take(task: Task): number {
    const info = dequeueSignal(task, this.#lo, this.#hi);
    if (info === null) return BLOCKED;
    if (this.#infoAddr !== 0 && task.memory.copyOut(this.#infoAddr, packSignalInfo(info)) < 0) return EFAULT;
    return info.signal;
  }

  override interrupted(task: Task): number {
    return this.#end(task, EINTR);
  }

  override timedOut(task: Task): number {
    return this.#end(task, EAGAIN);
  }

  #end(task: Task, result: number): number {
    task.signals.awaitedLo = 0;
    task.signals.awaitedHi = 0;
    return result;
  }

  override describe(): string {
    return "sigtimedwait";
  }
}

/** rt_sigtimedwait(2) */
export const sys_rt_sigtimedwait = implement("rt_sigtimedwait", { level: "full" }, (task, setAddr, infoAddr, timeoutAddr, setSize) => {
  if (setSize !== SIGSET_SIZE) return EINVAL;
  if (readSigset(task, setAddr) < 0) return EFAULT;
  const op = new SignalWaitOp((sigset.lo & ~UNBLOCKABLE_LO) >>> 0, sigset.hi, infoAddr);
  if (timeoutAddr !== 0) {
    const timeoutNs = readTimespecNs(task, timeoutAddr);
    if (timeoutNs < 0) return timeoutNs;
    const result = op.take(task);
    if (result !== BLOCKED) return result;
    if (timeoutNs === 0) return EAGAIN;
    op.deadlineNs = task.kernel.clock.monotonicNs() + timeoutNs;
  }
  return task.block(op);
});
