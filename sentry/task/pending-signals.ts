/** A queue of pending signals: private to a task, or shared by its process (struct sigpending). */
import { SI_USER } from "../../syscall-tables/flags/signal.ts";
import { isSynchronous, SYNCHRONOUS_LO, sigBitHi, sigBitLo, sigsetHas } from "../abi/signal.ts";
import type { SignalInfo } from "./signal-info.ts";
import type { UserAccount } from "./user-accounts.ts";

interface Entry {
  readonly info: SignalInfo;
  /** Whom RLIMIT_SIGPENDING charges for it. */
  readonly account: UserAccount | null;
}

export class PendingSignals {
  lo = 0;
  hi = 0;
  readonly #entries: Entry[] = [];

  has(signal: number): boolean {
    return sigsetHas(this.lo, this.hi, signal);
  }

  /** Marks `info.signal` pending and queues what it carries. `account`: charged until it is dequeued. */
  add(info: SignalInfo, account: UserAccount | null): void {
    if (account !== null) account.pendingSignals++;
    this.#entries.push({ info, account });
    this.mark(info.signal);
  }

  /** Pending without information: the queue was full (send_signal_locked). */
  mark(signal: number): void {
    this.lo = (this.lo | sigBitLo(signal)) >>> 0;
    this.hi = (this.hi | sigBitHi(signal)) >>> 0;
  }

  /** Removes all signals of a set, unread. */
  discard(lo: number, hi: number): void {
    if (((this.lo & lo) | (this.hi & hi)) === 0) return;
    this.lo = (this.lo & ~lo) >>> 0;
    this.hi = (this.hi & ~hi) >>> 0;
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      if (sigsetHas(lo, hi, this.#entries[i].info.signal)) this.#discardAt(i);
    }
  }

  /** Removes the queued signals of one source (timer_delete). */
  discardSource(source: object): void {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const { info } = this.#entries[i];
      if (info.source !== source) continue;
      this.#discardAt(i);
      if (!this.#entries.some((entry) => entry.info.signal === info.signal)) this.#clear(info.signal);
    }
  }

  #discardAt(index: number): void {
    const [entry] = this.#entries.splice(index, 1);
    if (entry.account !== null) entry.account.pendingSignals--;
    entry.info.source?.onDiscard(entry.info);
  }

  #clear(signal: number): void {
    this.lo = (this.lo & ~sigBitLo(signal)) >>> 0;
    this.hi = (this.hi & ~sigBitHi(signal)) >>> 0;
  }

  /** The next signal outside the mask, 0 if none (next_signal: faults first, then the lowest number). */
  next(maskLo: number, maskHi: number): number {
    const lo = (this.lo & ~maskLo) >>> 0;
    if (lo !== 0) {
      const first = (lo & SYNCHRONOUS_LO) >>> 0 || lo;
      return 32 - Math.clz32(first & -first);
    }
    const hi = (this.hi & ~maskHi) >>> 0;
    return hi === 0 ? 0 : 64 - Math.clz32(hi & -hi);
  }

  /** dequeue_synchronous_signal: the oldest fault of the running instruction outside the mask. */
  takeSynchronous(maskLo: number): SignalInfo | null {
    const wanted = (this.lo & ~maskLo & SYNCHRONOUS_LO) >>> 0;
    if (wanted === 0) return null;
    for (let i = 0; i < this.#entries.length; i++) {
      const { info } = this.#entries[i];
      if (info.code > SI_USER && isSynchronous(info.signal) && sigsetHas(wanted, 0, info.signal)) return this.#takeAt(i);
    }
    return null;
  }

  /** Removes one instance of `signal` (collect_signal). */
  take(signal: number): SignalInfo {
    for (let i = 0; i < this.#entries.length; i++) if (this.#entries[i].info.signal === signal) return this.#takeAt(i);
    this.#clear(signal);
    return { signal, code: SI_USER, pid: 0, uid: 0 };
  }

  #takeAt(index: number): SignalInfo {
    const [{ info, account }] = this.#entries.splice(index, 1);
    if (account !== null) account.pendingSignals--;
    if (!this.#entries.some((entry) => entry.info.signal === info.signal)) this.#clear(info.signal);
    return info;
  }

  /** What is queued, oldest first. */
  get queued(): SignalInfo[] {
    return this.#entries.map((entry) => entry.info);
  }

  /** The number of queued entries (SigQ of /proc/pid/status counts per user). */
  get length(): number {
    return this.#entries.length;
  }
}
