/**
 * A timer on CLOCK_MONOTONIC or on a CPU clock. The host does not tell when a guest has
 * used so much CPU time, so CPU timers look again when it could at the earliest be the case.
 */
import type { Kernel } from "../kernel.ts";
import type { Timer } from "../loop/timers.ts";
import { machine } from "./machine.ts";

/** How often a CPU clock is looked at when expiry is near: the tick of a kernel with HZ=100. */
const CPU_TICK_NS = 10_000_000;

export abstract class ClockTimer implements Timer {
  readonly kernel: Kernel;
  /** Reads the CPU clock; null: CLOCK_MONOTONIC. */
  readonly #cpuNs: (() => number) | null;
  deadlineNs = Number.POSITIVE_INFINITY;
  /** On the timer's own clock; meaningful while `isArmed`. */
  expiryNs = 0;
  /** 0: once. */
  intervalNs = 0;
  isArmed = false;

  constructor(kernel: Kernel, cpuNs: (() => number) | null) {
    this.kernel = kernel;
    this.#cpuNs = cpuNs;
  }

  get isCpuClock(): boolean {
    return this.#cpuNs !== null;
  }

  nowNs(): number {
    return this.#cpuNs === null ? this.kernel.clock.monotonicNs() : this.#cpuNs();
  }

  /** Runs until `expiryNs` of its clock. */
  start(expiryNs: number): void {
    this.expiryNs = expiryNs;
    this.isArmed = true;
    this.#arm();
  }

  stop(): void {
    if (this.isArmed) this.kernel.timers.cancel(this);
    this.isArmed = false;
  }

  #arm(): void {
    if (this.#cpuNs === null) this.deadlineNs = this.expiryNs;
    else {
      const left = (this.expiryNs - this.#cpuNs()) / machine.cpus.length;
      this.deadlineNs = this.kernel.clock.monotonicNs() + Math.max(left, CPU_TICK_NS);
    }
    this.kernel.timers.arm(this);
  }

  fire(): void {
    if (!this.isArmed) return;
    if (this.#cpuNs !== null && this.#cpuNs() < this.expiryNs) {
      this.#arm();
      return;
    }
    this.isArmed = false;
    this.expired();
  }

  /** The expiry has been reached; the timer is stopped. */
  protected abstract expired(): void;

  /** hrtimer_forward: moves the expiry past now by whole intervals, so that nothing drifts. Returns how many. */
  forward(): number {
    const late = this.nowNs() - this.expiryNs;
    if (late < 0) return 0;
    const periods = Math.floor(late / this.intervalNs) + 1;
    this.expiryNs += periods * this.intervalNs;
    return periods;
  }

  /** Time until expiry, 0 when stopped. */
  get remainingNs(): number {
    return this.isArmed ? Math.max(1, this.expiryNs - this.nowNs()) : 0;
  }
}
