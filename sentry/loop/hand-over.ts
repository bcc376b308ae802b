/**
 * How the sentry waits for the next request. Waking a sleeper on another CPU costs 20 to 50 µs
 * one way, a switch on the same CPU about 4, a look at a shared word nothing; so there are two
 * good ways to wait and a bad one:
 *   hot   the sentry spins on a CPU of its own, for as long as requests come close together;
 *   cold  it sleeps on the CPU of the one running guest thread, neither spins, and each call
 *         is a switch there and back;
 *   else  (several guests compute) it sleeps wherever the host puts it.
 * docs/adr/0005-hand-over.md has the measurements.
 */
import { ANY_CPU, leaveCpu, MAX_CPU, saveCpus, setHome } from "../../native/ffi/cpu-unsafe.ts";
import type { SystrapPlatform } from "../platform/systrap/systrap.ts";
import type { SystrapThread } from "../platform/systrap/thread.ts";
import type { Clock } from "./clock.ts";

/** How long the hot sentry looks before it sleeps, ns; also the gap that is worth being hot for. */
const HOT_NS = 30_000;
/** With as many running guests as CPUs a spinning sentry takes the CPU from one of them. */
const CROWDED_NS = 2_000;
/** Empty rounds between two looks at the clock. */
const ROUNDS = 32;
/** Requests per wake-up, on average, below which spinning was for nothing. */
const COLD_BURST = 3;
const HOT_BURST = 24;
/** Short gaps in a row that make a cold sentry hot. */
const SHORT_GAPS = 3;
/** The stub's pauses before it sleeps, while the sentry is hot; about 5 µs. */
const STUB_SPINS = 200;

export class HandOver {
  readonly #platform: SystrapPlatform;
  readonly #clock: Clock;
  readonly #cpuCount: number;
  #rounds = 0;
  /** When the current run of empty rounds began; 0: not looked yet. */
  #idleSinceNs = 0;
  #served = 0;
  #averageBurst = HOT_BURST;
  #shortGaps = 0;
  #sleptAtNs = 0;
  /** The CPU the sentry is bound to while cold. */
  #cpu = ANY_CPU;

  constructor(platform: SystrapPlatform, clock: Clock) {
    this.#platform = platform;
    this.#clock = clock;
    this.#cpuCount = Math.max(1, saveCpus());
    platform.stubSpins = this.#cpuCount > 1 ? STUB_SPINS : 0;
  }

  /** A round of the loop found something to do. */
  worked(requests: number): void {
    this.#served += requests;
    this.#rounds = 0;
    this.#idleSinceNs = 0;
  }

  /** An empty round: is another one worth it? */
  maySpin(runningThreads: number): boolean {
    if (runningThreads === 0 || this.#cpu >= 0 || this.#cpuCount < 2) return false;
    if (++this.#rounds < ROUNDS) return true;
    this.#rounds = 0;
    const nowNs = this.#clock.monotonicNs();
    if (this.#idleSinceNs === 0) {
      this.#idleSinceNs = nowNs;
      return true;
    }
    return nowNs - this.#idleSinceNs < (runningThreads < this.#cpuCount ? HOT_NS : CROWDED_NS);
  }

  /** Nothing came: chooses where to sleep. */
  beforeSleep(running: readonly SystrapThread[], nowNs: number): void {
    this.#sleptAtNs = nowNs;
    this.#averageBurst += (this.#served - this.#averageBurst) * 0.25;
    this.#served = 0;
    if (this.#cpuCount < 2) return;
    if (running.length === 1 && this.#averageBurst < COLD_BURST) this.#bind(running[0].cpu);
    else if (running.length > 1) this.#unbind();
  }

  afterSleep(nowNs: number): void {
    this.#rounds = 0;
    this.#idleSinceNs = 0;
    if (this.#cpu < 0) return;
    this.#shortGaps = nowNs - this.#sleptAtNs < HOT_NS ? this.#shortGaps + 1 : 0;
    if (this.#shortGaps < SHORT_GAPS) return;
    this.#shortGaps = 0;
    this.#averageBurst = HOT_BURST;
    this.#unbind();
  }

  #bind(cpu: number): void {
    if (cpu === this.#cpu || cpu > MAX_CPU || setHome(cpu) < 0) return;
    this.#cpu = cpu;
    this.#platform.stubSpins = 0;
  }

  #unbind(): void {
    if (this.#cpu === ANY_CPU) return;
    leaveCpu(this.#cpu);
    setHome(ANY_CPU);
    this.#cpu = ANY_CPU;
    this.#platform.stubSpins = STUB_SPINS;
  }
}
