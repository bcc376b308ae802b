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
import { allocateMemory, hostCall3 } from "../../native/ffi/syscall-unsafe.ts";
import type { SystrapPlatform } from "../platform/systrap/systrap.ts";
import type { SystrapThread } from "../platform/systrap/thread.ts";
import type { Clock } from "./clock.ts";

const SYS_sched_setaffinity = 203;
const SYS_sched_getaffinity = 204;
const MASK_BYTES = 128;

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
  readonly #memory = allocateMemory(4096);
  #rounds = 0;
  /** When the current run of empty rounds began; 0: not looked yet. */
  #idleSinceNs = 0;
  #served = 0;
  #averageBurst = HOT_BURST;
  #shortGaps = 0;
  #sleptAtNs = 0;
  /** The CPU the sentry is bound to while cold; -1: any. */
  #cpu = -1;

  constructor(platform: SystrapPlatform, clock: Clock) {
    this.#platform = platform;
    this.#clock = clock;
    const bytes = hostCall3(SYS_sched_getaffinity, 0, MASK_BYTES, this.#memory.address);
    let count = 0;
    for (let i = 0; i < bytes; i++) for (let bits = this.#memory.u8[i]; bits !== 0; bits &= bits - 1) count++;
    // The second half keeps what the caller allowed.
    this.#memory.u8.copyWithin(MASK_BYTES, 0, MASK_BYTES);
    this.#cpuCount = Math.max(1, count);
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
    if (cpu === this.#cpu || cpu >= MASK_BYTES * 8) return;
    const { u8, address } = this.#memory;
    u8.fill(0, 0, MASK_BYTES);
    u8[cpu >> 3] = 1 << (cpu & 7);
    if (hostCall3(SYS_sched_setaffinity, 0, MASK_BYTES, address) < 0) return;
    this.#cpu = cpu;
    this.#platform.stubSpins = 0;
  }

  #unbind(): void {
    if (this.#cpu < 0) return;
    const { u8, address } = this.#memory;
    // The scheduler would leave two busy threads on one CPU for a while: keep off the guest's.
    u8.copyWithin(0, MASK_BYTES, 2 * MASK_BYTES);
    u8[this.#cpu >> 3] &= ~(1 << (this.#cpu & 7));
    hostCall3(SYS_sched_setaffinity, 0, MASK_BYTES, address);
    hostCall3(SYS_sched_setaffinity, 0, MASK_BYTES, address + MASK_BYTES);
    this.#cpu = -1;
    this.#platform.stubSpins = STUB_SPINS;
  }
}
