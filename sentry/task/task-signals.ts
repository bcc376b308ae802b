/** The signal state of one task: mask, private queue, alternate stack (struct task_struct's part). */
import { SS_AUTODISARM, SS_DISABLE, SS_ONSTACK } from "../../syscall-tables/flags/signal.ts";
import { sigBitHi, sigBitLo, UNBLOCKABLE_LO } from "../abi/signal.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import type { WaitQueue } from "./blocking.ts";
import { PendingSignals } from "./pending-signals.ts";
import type { Task } from "./task.ts";

export interface AltStack {
  addr: UserAddr;
  size: number;
  /** SS_AUTODISARM, as given to sigaltstack(2). */
  flags: number;
}

export class TaskSignals {
  readonly #task: Task;
  /** Blocked signals. */
  maskLo = 0;
  maskHi = 0;
  /** The mask to return to after ppoll(2), rt_sigsuspend(2) and the like; valid when `hasSavedMask`. */
  savedMaskLo = 0;
  savedMaskHi = 0;
  hasSavedMask = false;
  /** Signals that rt_sigtimedwait(2) waits for: not to be ignored while it sleeps. */
  awaitedLo = 0;
  awaitedHi = 0;
  /** Signals for this thread alone. */
  readonly pending = new PendingSignals();
  readonly altStack: AltStack = { addr: 0, size: 0, flags: 0 };

  constructor(task: Task) {
    this.#task = task;
  }

  /** Notified when any signal becomes pending for the process or its threads. */
  get waitQueue(): WaitQueue {
    return this.#task.process.actions.waitQueue;
  }

  /** Private and shared pending signals together. */
  get pendingLo(): number {
    return (this.pending.lo | this.#task.process.pending.lo) >>> 0;
  }
  get pendingHi(): number {
    return (this.pending.hi | this.#task.process.pending.hi) >>> 0;
  }

  get hasUnmasked(): boolean {
    const shared = this.#task.process.pending;
    return (((this.pending.lo | shared.lo) & ~this.maskLo) | ((this.pending.hi | shared.hi) & ~this.maskHi)) !== 0;
  }

  /** set_current_blocked: SIGKILL and SIGSTOP stay deliverable. */
  setMask(lo: number, hi: number): void {
    const newlyLo = (lo & ~UNBLOCKABLE_LO & ~this.maskLo) >>> 0;
    const newlyHi = (hi & ~this.maskHi) >>> 0;
    this.maskLo = (lo & ~UNBLOCKABLE_LO) >>> 0;
    this.maskHi = hi >>> 0;
    if ((newlyLo | newlyHi) !== 0) this.#handOver(newlyLo, newlyHi);
  }

  /** retarget_shared_pending: signals of the process that this task no longer takes go to a sibling that does. */
  #handOver(newlyLo: number, newlyHi: number): void {
    const { process } = this.#task;
    if (process.tasks.size < 2) return;
    let lo = (process.pending.lo & newlyLo) >>> 0;
    let hi = (process.pending.hi & newlyHi) >>> 0;
    for (const sibling of process.tasks.values()) {
      if ((lo | hi) === 0) return;
      if (sibling === this.#task || sibling.isKilled) continue;
      const { maskLo, maskHi } = sibling.signals;
      if (((lo & ~maskLo) | (hi & ~maskHi)) === 0) continue;
      lo = (lo & maskLo) >>> 0;
      hi = (hi & maskHi) >>> 0;
      sibling.poke();
    }
  }

  /** For a fault that cannot wait. */
  unblock(signal: number): void {
    this.maskLo = (this.maskLo & ~sigBitLo(signal)) >>> 0;
    this.maskHi = (this.maskHi & ~sigBitHi(signal)) >>> 0;
  }

  /**
   * The mask for the length of one call (ppoll, pselect6, epoll_pwait, rt_sigsuspend). The
   * old one comes back when the call returns; after EINTR only once a handler was set up.
   */
  setTemporaryMask(lo: number, hi: number): void {
    this.savedMaskLo = this.maskLo;
    this.savedMaskHi = this.maskHi;
    this.hasSavedMask = true;
    this.setMask(lo, hi);
  }

  restoreMask(): void {
    if (!this.hasSavedMask) return;
    this.hasSavedMask = false;
    this.setMask(this.savedMaskLo, this.savedMaskHi);
  }

  /** The mask that a handler's frame saves (sigmask_to_save). */
  get frameMaskLo(): number {
    return this.hasSavedMask ? this.savedMaskLo : this.maskLo;
  }
  get frameMaskHi(): number {
    return this.hasSavedMask ? this.savedMaskHi : this.maskHi;
  }

  /** on_sig_stack: with SS_AUTODISARM the stack is never "in use". */
  isOnAltStack(stackAddr: UserAddr): boolean {
    const { addr, size, flags } = this.altStack;
    return (flags & SS_AUTODISARM) === 0 && stackAddr > addr && stackAddr - addr <= size;
  }

  /** sas_ss_flags, as sigaltstack(2) and uc_stack show them. */
  altStackFlags(stackAddr: UserAddr): number {
    if (this.altStack.size === 0) return SS_DISABLE;
    return ((this.isOnAltStack(stackAddr) ? SS_ONSTACK : 0) | (this.altStack.flags & SS_AUTODISARM)) >>> 0;
  }

  clearAltStack(): void {
    this.altStack.addr = 0;
    this.altStack.size = 0;
    this.altStack.flags = SS_DISABLE;
  }
}
