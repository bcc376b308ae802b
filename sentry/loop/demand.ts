/**
 * How often the guests call, and so when the kernel is worth optimising. A short program, or one of many forks, has its CPUs taken by V8's
 * optimiser for longer than it gains; one that calls all the time gains after 50 ms. The ticks of a function count on when demand changes.
 */
import { optimiseAfter } from "../../native/start/optimiser.ts";

/** A window, and the calls in it from which on demand is high: python3's imports make 200 in such a time, a loop of forks and execs 600. */
const WINDOW_NS = 20_000_000;
const MANY = 1200;
const BUDGET_BYTES = 100_000;

export const optimiseLate = (): void => optimiseAfter(BUDGET_BYTES, 20, 0);
const optimiseSoon = (): void => optimiseAfter(BUDGET_BYTES, 1, 81);

export class Demand {
  readonly #onChange: (isHigh: boolean) => void;
  #calls = 0;
  #sinceNs = 0;
  #isHigh = false;

  constructor(onChange = (isHigh: boolean): void => (isHigh ? optimiseSoon() : optimiseLate())) {
    this.#onChange = onChange;
  }

  note(calls: number): void {
    this.#calls += calls;
  }

  /** Ends a window, where it is time. */
  look(nowNs: number): void {
    const passedNs = nowNs - this.#sinceNs;
    if (passedNs < WINDOW_NS) return;
    const isHigh = this.#calls * WINDOW_NS >= MANY * passedNs;
    this.#calls = 0;
    this.#sinceNs = nowNs;
    if (isHigh === this.#isHigh) return;
    this.#isHigh = isHigh;
    this.#onChange(isHigh);
  }
}
