/** setitimer(2), and RLIMIT_CPU, which Linux keeps beside it (kernel/time/itimer.c, posix-cpu-timers.c). */

import { RLIMIT_CPU } from "../../syscall-tables/flags/process.ts";
import { SIGALRM, SIGKILL, SIGPROF, SIGVTALRM, SIGXCPU } from "../../syscall-tables/flags/signal.ts";
import { ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL } from "../../syscall-tables/flags/time.ts";
import { RLIM_INFINITY } from "../abi/resource.ts";

import { ClockTimer } from "./clock-timer.ts";
import type { Process } from "./process.ts";
import { kernelSignal, sendSignalToProcess } from "./signals.ts";
import { consumerOf, processCpuNs, usageOf } from "./usage.ts";

const SIGNALS = [SIGALRM, SIGVTALRM, SIGPROF];

class IntervalTimer extends ClockTimer {
  readonly #process: Process;
  readonly #signal: number;

  constructor(process: Process, which: number) {
    const cpuNs = which === ITIMER_REAL ? null : () => (which === ITIMER_PROF ? processCpuNs(process) : usageOf(process).userNs);
    super(process.kernel, cpuNs);
    this.#process = process;
    this.#signal = SIGNALS[which];
  }

  protected override expired(): void {
    sendSignalToProcess(this.#process, kernelSignal(this.#signal), this.isCpuClock ? consumerOf(this.#process) : null);
    // ITIMER_REAL goes on when its signal is taken, so that it cannot flood a stopped process.
    if (this.#signal !== SIGALRM) this.proceed();
  }

  proceed(): void {
    if (this.isArmed || this.intervalNs === 0) return;
    this.forward();
    this.start(this.expiryNs);
  }
}

/** RLIMIT_CPU: SIGXCPU at the soft limit and every second after it, SIGKILL at the hard one. */
class CpuLimit extends ClockTimer {
  readonly #process: Process;

  constructor(process: Process) {
    super(process.kernel, () => processCpuNs(process));
    this.#process = process;
  }

  update(): void {
    const { soft } = this.#process.limits.get(RLIMIT_CPU);
    this.stop();
    if (soft !== RLIM_INFINITY) this.start(soft * 1e9);
  }

  protected override expired(): void {
    const { soft, hard } = this.#process.limits.get(RLIMIT_CPU);
    if (processCpuNs(this.#process) >= hard * 1e9) {
      sendSignalToProcess(this.#process, kernelSignal(SIGKILL));
      return;
    }
    sendSignalToProcess(this.#process, kernelSignal(SIGXCPU));
    this.#process.limits.set(RLIMIT_CPU, { soft: Math.min(soft + 1, hard), hard });
    this.update();
  }
}

export class IntervalTimers {
  readonly #timers: readonly IntervalTimer[];
  readonly #cpuLimit: CpuLimit;

  constructor(process: Process) {
    this.#timers = [ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF].map((which) => new IntervalTimer(process, which));
    this.#cpuLimit = new CpuLimit(process);
  }

  remainingNs(which: number): number {
    return this.#timers[which].remainingNs;
  }

  intervalNs(which: number): number {
    return this.#timers[which].intervalNs;
  }

  /** `valueNs` 0 stops it. */
  set(which: number, valueNs: number, intervalNs: number): void {
    const timer = this.#timers[which];
    timer.stop();
    timer.intervalNs = intervalNs;
    if (valueNs > 0) timer.start(timer.nowNs() + valueNs);
  }

  /** A SIGALRM was taken off the queue (posixtimer_rearm_itimer). */
  alarmTaken(): void {
    this.#timers[ITIMER_REAL].proceed();
  }

  /** RLIMIT_CPU has changed. */
  updateCpuLimit(): void {
    this.#cpuLimit.update();
  }

  cancelAll(): void {
    for (const timer of this.#timers) timer.stop();
    this.#cpuLimit.stop();
  }
}

/** Of a process; made when first needed. */
export const intervalTimersOf = (process: Process): IntervalTimers => {
  process.intervalTimers ??= new IntervalTimers(process);
  return process.intervalTimers;
};

/** RLIMIT_CPU has been set or inherited. */
export const watchCpuLimit = (process: Process): void => {
  if (process.limits.get(RLIMIT_CPU).soft === RLIM_INFINITY && process.intervalTimers === null) return;
  intervalTimersOf(process).updateCpuLimit();
};
