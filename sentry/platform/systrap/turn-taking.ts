/**
 * Processes that take turns (a pipe there and one back) while the sentry leaves the guests but one CPU. Whoever is woken would be put in the
 * place of the waker, which is about to sleep anyway; for that the host interrupts the guests' CPU, and the sentry waits 8 µs while it does.
 * So a thread that was woken so a few times becomes one that interrupts nobody (SCHED_BATCH in sched(7)), until it gets no CPU soon.
 */
export const SCHED_OTHER = 0;
export const SCHED_BATCH = 3;
/** So many turns. Each time that it turns out wrong, twice as many are asked for. */
export const TURNS = 16;
const TURNS_MOST = 4096;
/** Who has not called so long after its wake-up had no CPU, or computes: that takes turns away, of which so many more are remembered. */
const LATE_NS = 300_000;
const LATE_TURNS = 64;
const MORE_TURNS = 256;

/** What is looked at of a carrier. */
export interface Turner {
  readonly process: object;
  readonly thread: { hasCalled: boolean } | null;
  isPolite: boolean;
  turns: number;
  turnsNeeded: number;
}

export class TurnTaking<T extends Turner> {
  readonly #setPolicy: (carrier: T, policy: number) => void;
  /** The guests have one CPU, and it is the sentry that keeps them there. */
  isOn = false;
  /** Who was woken last, and when the clock was looked at first since; 0: not yet. */
  #woken: T | null = null;
  #sinceNs = 0;

  constructor(setPolicy: (carrier: T, policy: number) => void) {
    this.#setPolicy = setPolicy;
  }

  /** `carrier` slept and is being woken. */
  woke(carrier: T): void {
    if (carrier.thread) carrier.thread.hasCalled = false;
    this.#woken = carrier;
    this.#sinceNs = 0;
  }

  /** The call of `carrier` sleeps. */
  parked(carrier: T): void {
    const woken = this.#woken;
    if (!this.isOn || woken === null || woken.process === carrier.process) return;
    woken.turns = Math.min(woken.turnsNeeded + MORE_TURNS, woken.turns + 1);
    if (woken.isPolite || woken.turns < woken.turnsNeeded) return;
    woken.isPolite = true;
    this.#setPolicy(woken, SCHED_BATCH);
  }

  /** A look at the clock. */
  look(nowNs: number): void {
    const woken = this.#woken;
    if (woken === null) return;
    if (woken.thread === null || woken.thread.hasCalled) {
      this.#woken = null;
      return;
    }
    if (this.#sinceNs === 0) this.#sinceNs = nowNs;
    if (nowNs - this.#sinceNs < LATE_NS) return;
    this.#woken = null;
    woken.turns -= LATE_TURNS;
    if (woken.turns >= 0) return;
    woken.turns = 0;
    if (!woken.isPolite) return;
    woken.isPolite = false;
    woken.turnsNeeded = Math.min(TURNS_MOST, 2 * woken.turnsNeeded);
    this.#setPolicy(woken, SCHED_OTHER);
  }
}
