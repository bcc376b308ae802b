/** Kernel timers on CLOCK_MONOTONIC. A heap: few timers, frequent re-arming. */
export interface Timer {
  /** Absolute CLOCK_MONOTONIC ns. */
  deadlineNs: number;
  /** Runs on the loop; may arm again. */
  fire(): void;
}

export interface TimerWheel {
  /** Arms (or moves) `timer` at `timer.deadlineNs`. */
  arm(timer: Timer): void;
  cancel(timer: Timer): void;
}
