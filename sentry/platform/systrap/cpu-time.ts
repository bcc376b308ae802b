/**
 * CPU time of guest threads. The host tells a stranger the CPU time of a whole process only
 * (clock_getcpuclockid(3); of a thread just to its siblings), so each step of the process's
 * clock is shared among the threads that have run since the last look: exact for a process
 * with one thread and for the sum over all of them, an estimate for each of several.
 */

import { allocateMemory, type HostMemory, hostCall3 } from "../../../native/ffi/syscall-unsafe.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";

const SYS_clock_gettime = 228;
/** CPUCLOCK_SCHED: time on a CPU, as the scheduler counts it. */
const CPUCLOCK_SCHED = 2;
/** User and system time, and user time alone, as the host's ticks found them. */
const CPUCLOCK_PROF = 0;
const CPUCLOCK_VIRT = 1;

let timespec: HostMemory | undefined;

/** 0 when the process is gone. */
const readClock = (hostPid: number, which: number): number => {
  timespec ??= allocateMemory(4096);
  if (hostCall3(SYS_clock_gettime, (~hostPid << 3) | which, timespec.address) < 0) return 0;
  const { u32 } = timespec;
  return (u32[0] + u32[1] * TWO_32) * 1e9 + u32[2];
};

export interface CpuConsumer {
  /** What was found to be this thread's so far. */
  cpuNs: number;
  /** The part of it that the host's kernel took: page faults, and what the stub asks. */
  kernelNs: number;
  /** The thread was let run since the last look. */
  hasRun: boolean;
  readonly isRunning: boolean;
}

export class CpuTime {
  #seenNs = 0;
  #seenKernelNs = 0;

  /** Brings the shares of `threads` up to date. A process that is gone keeps what was seen last. */
  update(hostPid: number, threads: Iterable<CpuConsumer>): void {
    if (hostPid <= 0) return;
    const nowNs = readClock(hostPid, CPUCLOCK_SCHED);
    const stepNs = nowNs - this.#seenNs;
    if (stepNs <= 0) return;
    let count = 0;
    for (const thread of threads) if (thread.hasRun) count++;
    if (count === 0) return;
    this.#seenNs = nowNs;
    const kernelNs = Math.max(this.#seenKernelNs, readClock(hostPid, CPUCLOCK_PROF) - readClock(hostPid, CPUCLOCK_VIRT));
    const kernelShareNs = Math.floor((kernelNs - this.#seenKernelNs) / count);
    this.#seenKernelNs = kernelNs;
    const shareNs = Math.floor(stepNs / count);
    for (const thread of threads) {
      if (!thread.hasRun) continue;
      thread.cpuNs += shareNs;
      thread.kernelNs += kernelShareNs;
      thread.hasRun = thread.isRunning;
    }
  }
}
