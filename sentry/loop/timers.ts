/** Kernel timers on CLOCK_MONOTONIC: a binary heap, because timers are few and re-armed often. */
export interface Timer {
  /** Absolute CLOCK_MONOTONIC ns. */
  deadlineNs: number;
  /** Runs on the loop; may arm again. */
  fire(): void;
}

export class TimerWheel {
  readonly #heap: Timer[] = [];
  readonly #at = new Map<Timer, number>();
  /** Taken from the heap, and fired in this round unless one before them cancels or arms them. */
  readonly #due = new Set<Timer>();

  /** The earliest deadline, Infinity when none is armed. */
  get nextNs(): number {
    return this.#heap.length > 0 ? this.#heap[0].deadlineNs : Number.POSITIVE_INFINITY;
  }

  /** Arms (or moves) `timer` at `timer.deadlineNs`. */
  arm(timer: Timer): void {
    this.#due.delete(timer);
    const at = this.#at.get(timer);
    if (at !== undefined) {
      this.#up(at);
      this.#down(this.#at.get(timer) as number);
      return;
    }
    this.#heap.push(timer);
    this.#at.set(timer, this.#heap.length - 1);
    this.#up(this.#heap.length - 1);
  }

  cancel(timer: Timer): void {
    this.#due.delete(timer);
    const at = this.#at.get(timer);
    if (at === undefined) return;
    this.#at.delete(timer);
    const last = this.#heap.pop() as Timer;
    if (last === timer) return;
    this.#place(last, at);
    this.#up(at);
    this.#down(this.#at.get(last) as number);
  }

  /** Fires all timers due at `nowNs`. A timer armed by `fire` for the past waits for the next call. */
  run(nowNs: number): number {
    const due = this.#due;
    while (this.#heap.length > 0 && this.#heap[0].deadlineNs <= nowNs) {
      const timer = this.#heap[0];
      this.cancel(timer);
      due.add(timer);
    }
    let fired = 0;
    for (const timer of due) {
      due.delete(timer);
      timer.fire();
      fired++;
    }
    return fired;
  }

  #place(timer: Timer, at: number): void {
    this.#heap[at] = timer;
    this.#at.set(timer, at);
  }

  #up(from: number): void {
    const heap = this.#heap;
    const timer = heap[from];
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent].deadlineNs <= timer.deadlineNs) break;
      this.#place(heap[parent], at);
      at = parent;
    }
    this.#place(timer, at);
  }

  #down(from: number): void {
    const heap = this.#heap;
    const timer = heap[from];
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1].deadlineNs < heap[child].deadlineNs) child++;
      if (heap[child].deadlineNs >= timer.deadlineNs) break;
      this.#place(heap[child], at);
      at = child;
    }
    this.#place(timer, at);
  }
}
