/** The clocks that the kernel stamps and sleeps by. They agree with the vDSO the guest reads. */

import { allocateMemory, libcFunction } from "../../native/ffi/syscall-unsafe.ts";
import { atStart } from "../../native/start/at-start.ts";
import { CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_REALTIME_COARSE } from "../../syscall-tables/flags/time.ts";

const SECOND = 1e9;

// libc's clock_gettime reads the vDSO: no system call.
let clockGettime!: (clock: number, address: number) => number;
atStart(() => {
  clockGettime = libcFunction("int clock_gettime(int, uintptr_t)") as typeof clockGettime;
});

export class Clock {
  readonly #memory = allocateMemory(4096);
  readonly #u32 = this.#memory.u32;
  readonly #address = this.#memory.address;
  /** CLOCK_BOOTTIME minus CLOCK_MONOTONIC in ns. */
  readonly bootOffsetNs: number;
  /** What `monotonicNs` said last: the loop asks many times in a millisecond. */
  lastNs = 0;
  /** Set by `readRealtime`. */
  sec = 0;
  nsec = 0;

  constructor() {
    const boot = this.#read(CLOCK_BOOTTIME);
    this.bootOffsetNs = Math.max(0, boot - this.#read(CLOCK_MONOTONIC));
    if (this.bootOffsetNs < 1e6) this.bootOffsetNs = 0;
  }

  #read(clock: number): number {
    clockGettime(clock, this.#address);
    const u32 = this.#u32;
    return (u32[0] + u32[1] * 2 ** 32) * SECOND + u32[2];
  }

  /** CLOCK_MONOTONIC in ns as a double. */
  monotonicNs(): number {
    this.lastNs = this.#read(CLOCK_MONOTONIC);
    return this.lastNs;
  }

  /** Reads CLOCK_REALTIME into `sec` and `nsec` (no allocation). */
  readRealtime(): void {
    clockGettime(CLOCK_REALTIME, this.#address);
    this.sec = this.#u32[0] + this.#u32[1] * 2 ** 32;
    this.nsec = this.#u32[2];
  }

  /** CLOCK_REALTIME as double ns (about 256 ns exact): for deadlines, not for time stamps. */
  realtimeNs(): number {
    return this.#read(CLOCK_REALTIME);
  }

  /** Stamps a file time with CLOCK_REALTIME_COARSE, as Linux does. */
  stamp(time: { sec: number; nsec: number }): void {
    clockGettime(CLOCK_REALTIME_COARSE, this.#address);
    time.sec = this.#u32[0] + this.#u32[1] * 2 ** 32;
    time.nsec = this.#u32[2];
  }
}
