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
 * docs/adr/0008-hand-over.md has the measurements.
 */
import { ANY_CPU, currentCpu, MAX_CPU, saveCpus, setHome } from "../../native/ffi/cpu-unsafe.ts";
import type { SystrapPlatform } from "../platform/systrap/systrap.ts";
import type { SystrapThread } from "../platform/systrap/thread.ts";
import type { Clock } from "./clock.ts";

type Mode = "hot" | "cold" | "wide";

/** What each request earns, ns of spinning: the mean gap between requests that is worth being hot for. */
const EARN_NS = 60_000;
/** The same while guests could use the sentry's CPU. */
const EARN_CROWDED_NS = 30_000;
/** What a wake-up takes: not the guest's doing. */
const WAKE_NS = 25_000;
/** Savings are bounded: so long a sentry that was busy looks on. */
const CREDIT_MAX_NS = 400_000;
/** Savings at which a sleeping sentry becomes hot. */
const CREDIT_HOT_NS = 150_000;
/** The time to spin where that takes the CPU from a guest. */
const WIDE_NS = 2_000;
/** A spinning sentry that misses this much time was not alone on its CPU. */
const PREEMPTED_NS = 400_000;
/** How long it then leaves the placing to the host's scheduler. */
const CONTENDED_NS = 50_000_000;
/** Empty rounds between two looks at the clock. */
const ROUNDS = 32;
/** The stub's pauses before it sleeps, unless the sentry needs its CPU; about 5 µs. */
const STUB_SPINS = 2000;

export class HandOver {
  readonly #platform: SystrapPlatform;
  readonly #clock: Clock;
  readonly #cpuCount: number;
  #mode: Mode = "wide";
  #rounds = 0;
  /** When the current idle time began; 0: the last round had work. */
  #idleSinceNs = 0;
  #hasSlept = false;
  /** When a spinning sentry looked at the clock last; 0: it has not spun since. */
  #lookedNs = 0;
  /** Other programs want the CPUs until then: neither spin long nor bind anyone. */
  #contendedUntilNs = 0;
  /** Savings of spinning time. */
  #creditNs = 0;
  /** Where the sentry is bound. */
  #cpu = ANY_CPU;

  constructor(platform: SystrapPlatform, clock: Clock) {
    this.#platform = platform;
    this.#clock = clock;
    this.#cpuCount = Math.max(1, saveCpus());
    platform.stubSpins = this.#cpuCount > 1 ? STUB_SPINS : 0;
  }

  /** A round of the loop found something to do. */
  worked(requests: number, runningThreads: number): void {
    this.#rounds = 0;
    if (requests === 0) return;
    let idleNs = this.#idleSinceNs === 0 ? 0 : this.#clock.monotonicNs() - this.#idleSinceNs;
    if (this.#hasSlept) idleNs = Math.max(0, idleNs - WAKE_NS);
    this.#idleSinceNs = 0;
    this.#hasSlept = false;
    const earned = runningThreads < this.#cpuCount ? EARN_NS : EARN_CROWDED_NS;
    this.#creditNs = Math.max(0, Math.min(CREDIT_MAX_NS, this.#creditNs + earned - idleNs));
    // A guest that shares the sentry's CPU may come back before the sentry sleeps.
    this.#lookedNs = 0;
    if (this.#mode === "cold") this.#considerHot();
  }

  #considerHot(): void {
    if (this.#creditNs < CREDIT_HOT_NS) return;
    if (this.#contendedUntilNs === 0 || this.#clock.monotonicNs() > this.#contendedUntilNs) this.#goHot();
  }

  /** An empty round: is another one worth it? */
  maySpin(runningThreads: number): boolean {
    if (runningThreads === 0 || this.#mode === "cold" || this.#cpuCount < 2) return false;
    if (++this.#rounds < ROUNDS) return true;
    this.#rounds = 0;
    const nowNs = this.#clock.monotonicNs();
    if (this.#lookedNs !== 0 && nowNs - this.#lookedNs > PREEMPTED_NS) {
      this.#contendedUntilNs = nowNs + CONTENDED_NS;
      this.#goWide();
    }
    this.#lookedNs = nowNs;
    if (this.#idleSinceNs === 0) this.#idleSinceNs = nowNs;
    const idleNs = nowNs - this.#idleSinceNs;
    return idleNs < (this.#mode === "wide" ? WIDE_NS : this.#creditNs);
  }

  /** Nothing came: chooses where to sleep. */
  beforeSleep(running: readonly SystrapThread[], nowNs: number): void {
    this.#lookedNs = 0;
    if (this.#idleSinceNs === 0) this.#idleSinceNs = nowNs;
    if (this.#cpuCount < 2 || running.length === 0 || nowNs < this.#contendedUntilNs) return;
    if (running.length >= this.#cpuCount) this.#goWide();
    else if (running.length === 1) this.#goCold(running[0].cpu);
  }

  afterSleep(): void {
    this.#rounds = 0;
    this.#hasSlept = true;
    if (this.#mode !== "hot" && this.#cpuCount > 1) this.#considerHot();
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
