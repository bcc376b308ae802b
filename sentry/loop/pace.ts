/**
 * A guest that computes for about the same time between its calls: when the next one is due.
 * Then the sentry can sleep on a CPU of its own for most of that time and spin for the rest.
 */

/** So many gaps must have been alike. */
const ALIKE = 8;
/** What is remembered of them, and what one that is not alike takes away: the host's other work makes some late. */
const ALIKE_MOST = 24;
const MISS = 8;
/** Shorter gaps are spun anyway; waking 45 µs early for longer ones gains too little. */
const LEAST_NS = 60_000;
const MOST_NS = 2_500_000;
const GRACE = 4;
/** How much alike: so much apart, and this part of the gap. */
const APART_NS = 6_000;
const APART_PART = 16;
/** A timer wakes a sleeper about 20 µs late on an idle CPU, sometimes 50. */
const EARLY_NS = 45_000;

export class Pace {
  #gapNs = 0;
  #alike = 0;
  /** Gaps that are taken as they are, as everyone is just moving to another CPU. */
  #grace = 0;

  /** A call came after so long an idle time. */
  note(gapNs: number): void {
    // What came while the sentry was spinning anyway says nothing.
    if (gapNs < LEAST_NS) return;
    if (this.#grace > 0) {
      if (--this.#grace === 0) this.#gapNs = Math.min(gapNs, MOST_NS);
      return;
    }
    const isAlike = Math.abs(gapNs - this.#gapNs) <= APART_NS + this.#gapNs / APART_PART && gapNs <= MOST_NS;
    if (isAlike) {
      this.#alike = Math.min(ALIKE_MOST, this.#alike + 1);
      this.#gapNs += (gapNs - this.#gapNs) / 4;
    } else {
      this.miss();
      if (this.#alike === 0) this.#gapNs = gapNs;
    }
  }

  /** From now on the gaps are seen from another CPU, and are a bit shorter there. */
  move(): void {
    this.#grace = GRACE;
  }

  /** It came before the sentry was awake: what was measured is the wake-up, too. */
  early(): void {
    this.#gapNs = Math.max(LEAST_NS, this.#gapNs - EARLY_NS);
  }

  /** It did not come when it was due. */
  miss(): void {
    this.#alike = Math.max(0, this.#alike - MISS);
    this.#grace = 0;
  }

  get isSteady(): boolean {
    return this.#alike >= ALIKE;
  }

  /** After how much idle time to be awake, and to give up. */
  get fromNs(): number {
    return this.#grace > 0 ? this.#gapNs / 2 : this.#gapNs - EARLY_NS;
  }

  get untilNs(): number {
    return this.#grace > 0 ? this.#gapNs * 2 : this.#gapNs + 2 * APART_NS + this.#gapNs / APART_PART;
  }
}
