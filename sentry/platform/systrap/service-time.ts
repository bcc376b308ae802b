/**
 * The sentry's own time, given to the threads it worked for: what Linux would have counted as their
 * system time. Between two looks at the clock (the loop has them anyway) the sentry was busy
 * for all but its empty rounds, whose price is the cheapest that was ever seen; the threads
 * that were served meanwhile share that by the number of their calls.
 */
import { ownCpuNs } from "../../../native/ffi/cpu-unsafe.ts";
import type { SystrapThread } from "./thread.ts";

/** Before any idle stretch was seen. */
const FIRST_ROUND_NS = 200;
/** A stretch that is not worth asking for the sentry's own CPU time. */
const LONG_NS = 300_000;
/** So many empty rounds tell what one costs. */
const ENOUGH_ROUNDS = 32;

export class ServiceTime {
  /** Served since the last look at the clock. */
  readonly #served: SystrapThread[] = [];
  #calls = 0;
  #emptyRounds = 0;
  #sinceNs = 0;
  #roundNs = FIRST_ROUND_NS;
  /** The sentry's CPU time when it was last read, and what passed since then in stretches too short to ask. */
  #cpuNs = 0;
  #shortNs = 0;

  /** What of a stretch of `passedNs` was the sentry's: in a long one it may have been without a CPU. */
  #ownNs(passedNs: number): number {
    if (passedNs < LONG_NS) {
      this.#shortNs += passedNs;
      return passedNs;
    }
    const cpuNs = ownCpuNs();
    const ownNs = cpuNs - this.#cpuNs - this.#shortNs;
    this.#cpuNs = cpuNs;
    this.#shortNs = 0;
    return Math.max(0, Math.min(passedNs, ownNs));
  }

  note(thread: SystrapThread): void {
    if (thread.callsSinceLook++ === 0) this.#served.push(thread);
    this.#calls++;
  }

  emptyRound(): void {
    this.#emptyRounds++;
  }

  /** The sentry wakes up. */
  begin(nowNs: number): void {
    this.#sinceNs = nowNs;
    this.#emptyRounds = 0;
  }

  /** A look at the clock. */
  look(nowNs: number): void {
    const passedNs = this.#ownNs(nowNs - this.#sinceNs);
    const calls = this.#calls;
    const rounds = this.#emptyRounds;
    this.begin(nowNs);
    if (calls === 0) {
      if (rounds >= ENOUGH_ROUNDS) this.#roundNs = Math.min(this.#roundNs, passedNs / rounds);
      return;
    }
    const busyNs = Math.max(0, passedNs - rounds * this.#roundNs) / calls;
    for (const thread of this.#served) {
      thread.serviceNs += busyNs * thread.callsSinceLook;
      thread.asleepServiceNs += busyNs * Math.min(thread.callsSinceLook, thread.wakesSinceLook);
      thread.callsSinceLook = 0;
      thread.wakesSinceLook = 0;
    }
    this.#served.length = 0;
    this.#calls = 0;
  }
}
