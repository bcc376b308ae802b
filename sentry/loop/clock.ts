/** The clocks that the kernel stamps and sleeps by. They agree with the vDSO the guest reads. */
export interface Clock {
  /** CLOCK_MONOTONIC in ns as a double. */
  monotonicNs(): number;
  /** CLOCK_BOOTTIME minus CLOCK_MONOTONIC in ns. */
  readonly bootOffsetNs: number;
  /** Reads CLOCK_REALTIME into `sec` and `nsec` (no allocation). */
  readRealtime(): void;
  readonly sec: number;
  readonly nsec: number;
  /** CLOCK_REALTIME as double ns (about 256 ns exact): for deadlines, not for time stamps. */
  realtimeNs(): number;
  /** Stamps a file time with CLOCK_REALTIME_COARSE, as Linux does. */
  stamp(time: { sec: number; nsec: number }): void;
}
