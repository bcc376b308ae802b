/** timer_create(2) and its family (kernel/time/posix-timers.c). */

import { SI_TIMER } from "../../syscall-tables/flags/signal.ts";
import { INT_MAX } from "../../syscall-tables/limits.ts";
import { ClockTimer } from "./clock-timer.ts";
import type { Process } from "./process.ts";
import type { SignalInfo, SignalSource } from "./signal-info.ts";
import { queueTimerSignal } from "./signals.ts";
import type { Task } from "./task.ts";
import { consumerOf } from "./usage.ts";
import type { UserAccount } from "./user-accounts.ts";

const TICK_NS = 4_000_000;

/** How expiry is told (struct sigevent). */
export interface Notification {
  /** 0: not at all (SIGEV_NONE). */
  readonly signal: number;
  readonly value: number;
  readonly valueHi: number;
  /** SIGEV_THREAD_ID. */
  readonly target: Task | null;
}

export class PosixTimer extends ClockTimer implements SignalSource {
  readonly id: number;
  readonly clock: number;
  readonly #process: Process;
  readonly #notification: Notification;
  /** The signal is in a queue; the timer goes on when it is taken. */
  #isQueued = false;
  /** Told by timer_getoverrun(2): of the signal taken last. */
  overrun = 0;
  isDeleted = false;

  constructor(process: Process, id: number, clock: number, cpuNs: (() => number) | null, notification: Notification) {
    super(process.kernel, cpuNs);
    this.#process = process;
    this.id = id;
    this.clock = clock;
    this.#notification = notification;
  }

  /** timer_settime(2): a signal of the old setting that still waits is void. */
  set(expiryNs: number, intervalNs: number): void {
    this.stop();
    this.discardSignal();
    this.intervalNs = intervalNs;
    this.overrun = 0;
    if (expiryNs > 0) this.start(expiryNs);
  }

  discardSignal(): void {
    if (!this.#isQueued) return;
    this.#isQueued = false;
    const queue = this.#notification.target?.signals.pending ?? this.#process.pending;
    queue.discardSource(this);
  }

  protected override expired(): void {
    const { signal, value, valueHi, target } = this.#notification;
    if (signal !== 0) {
      const info: SignalInfo = { signal, code: SI_TIMER, timerId: this.id, overrun: 0, value, valueHi, source: this, force: true };
      this.#isQueued = true;
      if (queueTimerSignal(this.#process, target, info, target === null && this.isCpuClock ? consumerOf(this.#process) : null)) return;
      this.#isQueued = false;
    }
    // Nobody takes a signal that is ignored or not wanted: the timer just goes on, but not faster than a tick.
    if (this.intervalNs > 0) {
      this.forward();
      if (this.intervalNs < TICK_NS) this.expiryNs += Math.ceil(TICK_NS / this.intervalNs) * this.intervalNs;
      this.start(this.expiryNs);
    }
  }

  /** posixtimer_rearm: counts the expiries that nobody has seen. */
  onDequeue(info: SignalInfo): boolean {
    if (!this.#isQueued) return false;
    this.#isQueued = false;
    this.overrun = 0;
    if (this.intervalNs > 0) {
      this.overrun = Math.min(Math.max(0, this.forward() - 1), INT_MAX);
      this.start(this.expiryNs);
    }
    info.overrun = this.overrun;
    return true;
  }

  onDiscard(): void {
    if (!this.#isQueued) return;
    this.#isQueued = false;
    if (this.intervalNs === 0 || this.isDeleted) return;
    this.forward();
    this.start(this.expiryNs);
  }

  /** timer_gettime(2): while its signal waits, an interval timer shows the time to the next expiry. */
  get leftNs(): number {
    if (this.isArmed) return this.remainingNs;
    if (!this.#isQueued || this.intervalNs === 0) return 0;
    const late = this.nowNs() - this.expiryNs;
    return Math.max(1, this.intervalNs - (late % this.intervalNs));
  }
}

export class PosixTimers {
  readonly #timers = new Map<number, PosixTimer>();
  readonly #accounts = new Map<PosixTimer, UserAccount>();
  #next = 0;

  get(id: number): PosixTimer | null {
    return this.#timers.get(id) ?? null;
  }

  /** The next free id, which is not given out again soon. */
  skipId(): number {
    while (this.#timers.has(this.#next)) this.#next = (this.#next + 1) & INT_MAX;
    const id = this.#next;
    this.#next = (this.#next + 1) & INT_MAX;
    return id;
  }

  /** Each timer owns a place in the user's signal queue, so that its signal is never lost. */
  create(
    process: Process,
    clock: number,
    cpuNs: (() => number) | null,
    describe: (id: number) => Notification,
    account: UserAccount,
  ): PosixTimer {
    const id = this.skipId();
    const timer = new PosixTimer(process, id, clock, cpuNs, describe(id));
    this.#timers.set(id, timer);
    this.#accounts.set(timer, account);
    account.pendingSignals++;
    return timer;
  }

  delete(timer: PosixTimer): void {
    timer.isDeleted = true;
    timer.stop();
    timer.discardSignal();
    this.#timers.delete(timer.id);
    const account = this.#accounts.get(timer);
    if (account !== undefined) account.pendingSignals--;
    this.#accounts.delete(timer);
  }

  /** exit(2) and execve(2). */
  deleteAll(): void {
    for (const timer of [...this.#timers.values()]) this.delete(timer);
  }

  /** For /proc/pid/timers. */
  all(): Iterable<PosixTimer> {
    return this.#timers.values();
  }
}
