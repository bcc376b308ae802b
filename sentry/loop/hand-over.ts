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

import { ANY_CPU, currentCpu, MAX_CPU, saveCpus, setCpus, setHome } from "../../native/ffi/cpu-unsafe.ts";
import { hostCall3 } from "../../native/ffi/syscall-unsafe.ts";
import { PR_SET_TIMERSLACK } from "../../syscall-tables/flags/prctl.ts";
import type { SystrapPlatform } from "../platform/systrap/systrap.ts";
import type { SystrapThread } from "../platform/systrap/thread.ts";
import type { Clock } from "./clock.ts";
import { Pace } from "./pace.ts";

const SYS_prctl = 157;

type Mode = "hot" | "cold" | "wide";

/**
 * What each request earns, ns of spinning (the mean gap that is worth being hot for), the bound of
 * what is saved, and the savings at which a sleeping sentry becomes hot.
 */
interface Budget {
  readonly earnNs: number;
  /** Earned while guests could use the sentry's CPU. */
  readonly earnCrowdedNs: number;
  readonly maxNs: number;
  readonly hotNs: number;
  /** The longest that is spun at a time, whatever was saved. */
  readonly spinNs: number;
  /** The stubs' pauses before they sleep. */
  readonly stubSpins: number;
}
/** With a CPU of its own the sentry disturbs nobody. */
const OWN_CPU: Budget = { earnNs: 60_000, earnCrowdedNs: 30_000, maxNs: 400_000, hotNs: 150_000, spinNs: 400_000, stubSpins: 2000 };
/** Else it takes its time from those it waits for. */
const SHARED_CPU: Budget = { earnNs: 30_000, earnCrowdedNs: 20_000, maxNs: 250_000, hotNs: 200_000, spinNs: 80_000, stubSpins: 300 };
/**
 * So long after a clone a sentry that nobody calls first sleeps where it is: a fork, an exec or an exit keeps a guest busy in the host's
 * kernel, and moving to its CPU, or giving back the own one, costs more than a wake-up.
 */
const CLONED_NS = 20_000_000;
const DOZE_NS = 300_000;
/** What a wake-up takes: not the guest's doing. */
const WAKE_NS = 25_000;
/** Sleeping on another CPU than the guest's costs about this; so much is always spun first. */
const LEAST_NS = 40_000;
/** The time to spin where that takes the CPU from a guest. */
const WIDE_NS = 2_000;
/** A spinning sentry that misses this much time was not alone on its CPU. */
const PREEMPTED_NS = 400_000;
/** How long it then leaves the placing to the host's scheduler. */
const CONTENDED_NS = 50_000_000;
/**
 * How often the sentry looks for a request between two looks at the clock: as it turns out, what takes 2 to 8 µs. That differs by
 * twenty between the interpreter and optimised code.
 */
const FIRST_LOOKS = 64;
const LEAST_LOOKS = 16;
const MOST_LOOKS = 8192;
const SHORT_NS = 2_000;
const LONG_NS = 8_000;
/** Where a guest may want the CPU. */
const WIDE_LOOKS_SHARE = 4;
/** Rounds for which a spinning sentry holds a thread's wake-up back, in case a sibling sleeps first: about 5 µs. */
const HOLD_ROUNDS = 40;
/** The same where the sentry has left the guests but one CPU, which the sibling uses anyway. */
const HOLD_ALONE_ROUNDS = 250;
export class HandOver {
  readonly #platform: SystrapPlatform;
  readonly #clock: Clock;
  #cpuCount = 1;
  #mode: Mode = "wide";
  #looks = FIRST_LOOKS;
  /** When the current idle time began; 0: the last round had work. */
  #idleSinceNs = 0;
  #hasSlept = false;
  /** When a spinning sentry looked at the clock last; 0: it has not spun since. */
  #lookedNs = 0;
  /** Other programs want the CPUs until then: neither spin long nor bind anyone. */
  #contendedUntilNs = 0;
  /** Savings of spinning time. */
  #creditNs = 0;
  #budget = SHARED_CPU;
  readonly #pace = new Pace();
  /** Hot by the clock: the next call is due at a known time, and until shortly before the sentry sleeps where it is. */
  #isPaced = false;
  /** The paced sleep is over, and the call has not come. */
  #isAwaiting = false;
  /** Where the sentry is bound. */
  #cpu = ANY_CPU;

  constructor(platform: SystrapPlatform, clock: Clock) {
    this.#platform = platform;
    this.#clock = clock;
    platform.onClone = () => {
      platform.clonedNs = clock.monotonicNs();
    };
    // A sleep until a certain time is to end then, not 50 µs later.
    hostCall3(SYS_prctl, PR_SET_TIMERSLACK, 1);
    this.#cpuCount = Math.max(1, saveCpus());
    platform.stubSpins = this.#cpuCount > 1 ? SHARED_CPU.stubSpins : 0;
  }

  /**
   * The cgroup leaves these CPUs, and `cpuTime` CPUs' worth of time. Where that is less than two, time spent spinning is
   * taken from the guest.
   */
  limitCpus(cpus: readonly number[], cpuTime: number): void {
    setCpus(cpus);
    this.#goWide();
    setHome(ANY_CPU);
    this.#cpuCount = Math.max(1, Math.min(cpus.length, Math.floor(cpuTime)));
    this.#platform.stubSpins = this.#cpuCount > 1 ? SHARED_CPU.stubSpins : 0;
  }

  /** A round of the loop found something to do. */
  worked(requests: number, runningThreads: number): void {
    if (requests === 0) return;
    let idleNs = this.#idleSinceNs === 0 ? 0 : this.#clock.monotonicNs() - this.#idleSinceNs;
    if (this.#isPaced && this.#hasSlept && !this.#isAwaiting) this.#pace.early();
    else if (idleNs > 0) this.#pace.note(idleNs);
    this.#isAwaiting = false;
    if (this.#hasSlept) idleNs = Math.max(0, idleNs - WAKE_NS);
    this.#idleSinceNs = 0;
    this.#hasSlept = false;
    const earned = runningThreads < this.#cpuCount ? this.#budget.earnNs : this.#budget.earnCrowdedNs;
    this.#creditNs = Math.max(0, Math.min(this.#budget.maxNs, this.#creditNs + earned - idleNs));
    // A guest that shares the sentry's CPU may come back before the sentry sleeps.
    this.#lookedNs = 0;
    if (this.#mode !== "cold") return;
    this.#considerHot();
    if (this.#mode === "cold" && this.#pace.isSteady) this.#goPaced();
  }

  #considerHot(): void {
    if (this.#creditNs < this.#budget.hotNs) return;
    if (this.#contendedUntilNs === 0 || this.#clock.monotonicNs() > this.#contendedUntilNs) this.#goHot();
  }

  /** How often to look for a request now; 0: not at all. */
  looks(running: readonly SystrapThread[]): number {
    if (running.length === 0 || this.#mode === "cold" || this.#cpuCount < 2) return 0;
    return this.#mode === "wide" ? Math.ceil(this.#looks / WIDE_LOOKS_SHARE) : this.#looks;
  }

  #noteLooks(passedNs: number): void {
    if (passedNs < SHORT_NS) this.#looks = Math.min(MOST_LOOKS, this.#looks * 2);
    else if (passedNs > LONG_NS) this.#looks = Math.max(LEAST_LOOKS, this.#looks >> 1);
  }

  /** `looks` looks were in vain: are more of them worth it? */
  maySpin(looks: number, nowNs: number): boolean {
    if (looks > 0 && this.#lookedNs !== 0 && this.#mode === "hot") this.#noteLooks(nowNs - this.#lookedNs);
    if (this.#lookedNs !== 0 && nowNs - this.#lookedNs > PREEMPTED_NS) {
      this.#contendedUntilNs = nowNs + CONTENDED_NS;
      this.#goWide();
    }
    this.#lookedNs = nowNs;
    if (this.#idleSinceNs === 0) this.#idleSinceNs = nowNs;
    const idleNs = nowNs - this.#idleSinceNs;
    if (this.#mode === "wide") return idleNs < WIDE_NS;
    if (this.#isPaced) {
      if (this.#pace.isSteady && idleNs < this.#pace.untilNs) {
        this.#isAwaiting = idleNs >= this.#pace.fromNs;
        return this.#isAwaiting;
      }
      this.#isPaced = false;
      this.#pace.miss();
    }
    return idleNs < Math.min(this.#budget.spinNs, Math.max(LEAST_NS, this.#creditNs));
  }

  /** Nothing came: chooses where to sleep, and for how long at most. */
  beforeSleep(running: readonly SystrapThread[], nowNs: number): number {
    this.#lookedNs = 0;
    if (this.#idleSinceNs === 0) this.#idleSinceNs = nowNs;
    if (this.#cpuCount < 2 || running.length === 0 || nowNs < this.#contendedUntilNs) return Number.POSITIVE_INFINITY;
    if (this.#isPaced && running.length === 1) return Math.max(0, this.#idleSinceNs + this.#pace.fromNs - nowNs);
    const dozeNs = this.#idleSinceNs + DOZE_NS - nowNs;
    if (this.#mode === "hot" && dozeNs > 0 && nowNs - this.#platform.clonedNs < CLONED_NS) return dozeNs;
    if (running.length >= this.#cpuCount) this.#goWide();
    else if (running.length === 1) this.#goCold(running[0].cpu);
    return Number.POSITIVE_INFINITY;
  }

  afterSleep(): void {
    this.#hasSlept = true;
    if (this.#mode !== "hot" && this.#cpuCount > 1) this.#considerHot();
  }

  #bind(cpu: number): boolean {
    if (cpu === this.#cpu) return true;
    if (cpu > MAX_CPU || setHome(cpu) < 0) return false;
    this.#cpu = cpu;
    return true;
  }

  /** Sleeps on a CPU of its own until shortly before the next call is due. */
  #goPaced(): void {
    if (this.#contendedUntilNs !== 0 && this.#clock.monotonicNs() < this.#contendedUntilNs) return;
    this.#goHot();
    this.#isPaced = this.#mode === "hot";
    if (this.#isPaced) this.#pace.move();
  }

  /** The sentry spins, on a CPU that the guests leave. */
  #goHot(): void {
    const near = this.#mode === "cold" ? this.#platform.otherCpu(this.#cpu) : currentCpu();
    const own = this.#platform.isNeeded(near) ? this.#platform.otherCpu(near) : near;
    if (!this.#bind(own)) return;
    this.#mode = "hot";
    this.#budget = OWN_CPU;
    this.#platform.deliveries.holdRounds = this.#cpuCount === 2 ? HOLD_ALONE_ROUNDS : HOLD_ROUNDS;
    this.#platform.deliveries.turns.isOn = this.#cpuCount === 2;
    this.#platform.keepOff(own);
    this.#platform.stubSpins = OWN_CPU.stubSpins;
  }

  #shareCpus(): void {
    if (this.#budget === SHARED_CPU) return;
    this.#bind(ANY_CPU);
    this.#budget = SHARED_CPU;
    this.#platform.keepOff(ANY_CPU);
    this.#platform.stubSpins = SHARED_CPU.stubSpins;
  }

  #goCold(cpu: number): void {
    if (!this.#bind(cpu)) return;
    this.#mode = "cold";
    this.#isPaced = false;
    this.#platform.deliveries.holdRounds = 0;
    this.#platform.deliveries.turns.isOn = false;
    this.#platform.stubSpins = 0;
  }

  #goWide(): void {
    this.#shareCpus();
    this.#bind(ANY_CPU);
    this.#mode = "wide";
    this.#isPaced = false;
    this.#platform.deliveries.holdRounds = 0;
    this.#platform.deliveries.turns.isOn = false;
    this.#platform.stubSpins = SHARED_CPU.stubSpins;
  }
}
