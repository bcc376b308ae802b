/**
 * How the sentry waits for the next request: hot (spins on its own core) while requests come
 * close together, cold (asleep) otherwise. The measured reasons are in docs/adr and
 * benchmarks/README.md.
 */
import type { SystrapPlatform } from "../platform/systrap/systrap.ts";
import type { SystrapThread } from "../platform/systrap/thread.ts";

/** Empty rounds of the loop before it sleeps; a round of one running thread takes about 15 ns. */
const SPIN_ROUNDS = 1500;
const STUB_SPINS = 300;

export class HandOver {
  readonly #platform: SystrapPlatform;
  #idleRounds = 0;
  #spinRounds = SPIN_ROUNDS;

  constructor(platform: SystrapPlatform, cpuCount: number) {
    this.#platform = platform;
    if (cpuCount < 2) this.#spinRounds = 0;
    platform.stubSpins = cpuCount < 2 ? 0 : STUB_SPINS;
  }

  /** A round of the loop found something to do. */
  worked(): void {
    this.#idleRounds = 0;
  }

  /** An empty round: is another one worth it? */
  mayspin(runningThreads: number): boolean {
    return runningThreads > 0 && ++this.#idleRounds < this.#spinRounds;
  }

  beforeSleep(_running: readonly SystrapThread[]): void {}

  afterSleep(_nowNs: number): void {
    this.#idleRounds = 0;
  }
}
