/**
 * How the sentry waits for the next request, and where everyone runs meanwhile. Waking a
 * sleeper on another CPU costs 20 to 50 µs one way, a switch on the same CPU about 4, a look
 * at a shared word nothing; so there are two good ways to wait, and one for the rest:
 *   hot   the sentry spins on a CPU of its own, which guests keep off, for as long as
 *         requests come close together;
 *   cold  it sleeps on the CPU of the one running guest thread, neither spins, and each call
 *         is a switch there and back;
 *   wide  as many guest threads compute as there are CPUs: everyone runs anywhere, and the
 *         sentry sleeps as soon as there is nothing to do.
 * docs/adr/0005-hand-over.md has the measurements.
 */
import { ANY_CPU, currentCpu, MAX_CPU, saveCpus, setHome } from "../../native/ffi/cpu-unsafe.ts";
import type { SystrapPlatform } from "../platform/systrap/systrap.ts";
import type { SystrapThread } from "../platform/systrap/thread.ts";
import type { Clock } from "./clock.ts";

type Mode = "hot" | "cold" | "wide";

/** How long a hot sentry looks before it sleeps, ns; also the gap that is worth being hot for. */
const HOT_NS = 30_000;
/** The same where spinning takes the CPU from a guest. */
const WIDE_NS = 2_000;
/** Empty rounds between two looks at the clock. */
const ROUNDS = 32;
/** Requests per wake-up, on average, below which spinning was for nothing. */
const COLD_BURST = 3;
const HOT_BURST = 24;
/** Short gaps in a row that make a sleeping sentry hot. */
const SHORT_GAPS = 3;
/** The stub's pauses before it sleeps, unless the sentry needs its CPU; about 5 µs. */
const STUB_SPINS = 200;

export class HandOver {
  readonly #platform: SystrapPlatform;
  readonly #clock: Clock;
  readonly #cpuCount: number;
  #mode: Mode = "wide";
  #rounds = 0;
  /** When the current run of empty rounds began; 0: not looked yet. */
  #idleSinceNs = 0;
  #served = 0;
  #averageBurst = HOT_BURST;
  #shortGaps = 0;
  #sleptAtNs = 0;
  /** Where the sentry is bound. */
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
    if (runningThreads === 0 || this.#mode === "cold" || this.#cpuCount < 2) return false;
    if (++this.#rounds < ROUNDS) return true;
    this.#rounds = 0;
    const nowNs = this.#clock.monotonicNs();
    if (this.#idleSinceNs === 0) {
      this.#idleSinceNs = nowNs;
      return true;
    }
    return nowNs - this.#idleSinceNs < (this.#mode === "hot" ? HOT_NS : WIDE_NS);
  }

  /** Nothing came: chooses where to sleep. */
  beforeSleep(running: readonly SystrapThread[], nowNs: number): void {
    this.#sleptAtNs = nowNs;
    this.#averageBurst += (this.#served - this.#averageBurst) * 0.25;
    this.#served = 0;
    if (this.#cpuCount < 2 || running.length === 0) return;
    if (running.length >= this.#cpuCount) this.#goWide();
    else if (running.length === 1 && this.#averageBurst < COLD_BURST) this.#goCold(running[0].cpu);
  }

  afterSleep(nowNs: number, runningThreads: number): void {
    this.#rounds = 0;
    this.#idleSinceNs = 0;
    if (this.#mode === "hot" || this.#cpuCount < 2) return;
    this.#shortGaps = nowNs - this.#sleptAtNs < HOT_NS ? this.#shortGaps + 1 : 0;
    if (this.#shortGaps < SHORT_GAPS || runningThreads >= this.#cpuCount) return;
    this.#shortGaps = 0;
    this.#averageBurst = HOT_BURST;
    this.#goHot();
  }

  #bind(cpu: number): boolean {
    if (cpu === this.#cpu) return true;
    if (cpu > MAX_CPU || setHome(cpu) < 0) return false;
    this.#cpu = cpu;
    return true;
  }

  /** The sentry keeps a CPU that the guests leave: the other one than theirs when it comes from the cold. */
  #goHot(): void {
    const guestCpu = this.#mode === "cold" ? this.#cpu : ANY_CPU;
    if (guestCpu !== ANY_CPU) this.#bind(ANY_CPU);
    const cpu = currentCpu();
    const own = cpu === guestCpu ? this.#platform.otherCpu(cpu) : cpu;
    if (!this.#bind(own)) return;
    this.#mode = "hot";
    this.#platform.keepOff(own);
    this.#platform.stubSpins = STUB_SPINS;
  }

  #goCold(cpu: number): void {
    if (!this.#bind(cpu)) return;
    this.#mode = "cold";
    this.#platform.stubSpins = 0;
  }

  #goWide(): void {
    if (this.#mode === "wide") return;
    this.#bind(ANY_CPU);
    this.#mode = "wide";
    this.#platform.keepOff(ANY_CPU);
    this.#platform.stubSpins = STUB_SPINS;
  }
}
