/**
 * The sentry's own time, given to the threads it worked for: what Linux would have counted as their
 * system time. Between two looks at the clock (the loop has them anyway) the sentry was busy
 * for all but the looks it took in vain, whose price is the cheapest that was ever seen; the threads
 * that were served meanwhile share that by the number of their calls.
 */
import { ownCpuNs } from "../../../native/ffi/cpu-unsafe.ts";
import type { SystrapThread } from "./thread.ts";

/** Before any idle stretch was seen. */
const FIRST_LOOK_NS = 10;
/** A stretch that is not worth asking for the sentry's own CPU time. */
const LONG_NS = 300_000;
/** So many looks in vain tell what one costs. */
const ENOUGH_LOOKS = 1000;

export class ServiceTime {
  /** Served since the last look at the clock. */
  readonly #served: SystrapThread[] = [];
  #calls = 0;
  #looks = 0;
  #sinceNs = 0;
  #lookNs = FIRST_LOOK_NS;
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

  /** The sentry has looked for requests so often, and there was none. */
  lookedInVain(looks: number): void {
    this.#looks += looks;
  }

  /** The sentry wakes up. */
  begin(nowNs: number): void {
    this.#sinceNs = nowNs;
    this.#looks = 0;
  }

  /** A look at the clock. */
  look(nowNs: number): void {
    const passedNs = this.#ownNs(nowNs - this.#sinceNs);
    const calls = this.#calls;
    const looks = this.#looks;
    this.begin(nowNs);
    if (calls === 0) {
      if (looks >= ENOUGH_LOOKS) this.#lookNs = Math.min(this.#lookNs, passedNs / looks);
      return;
    }
    const busyNs = Math.max(0, passedNs - looks * this.#lookNs) / calls;
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
