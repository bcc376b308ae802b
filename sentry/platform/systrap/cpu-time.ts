/**
 * CPU time of guest threads. The host tells a stranger the CPU time of a whole process only
 * (clock_getcpuclockid(3); of a thread just to its siblings), so each step of the process's
 * clock is shared among the threads that have run since the last look: exact for a process
 * with one thread and for the sum over all of them, an estimate for each of several.
 */
import { allocateMemory, type HostMemory, hostCall3 } from "../../../native/ffi/syscall-unsafe.ts";

const SYS_clock_gettime = 228;
/** CPUCLOCK_SCHED: time on a CPU, as the scheduler counts it. */
const CPUCLOCK_SCHED = 2;

let timespec: HostMemory | undefined;

export interface CpuConsumer {
  /** What was found to be this thread's so far. */
  cpuNs: number;
  /** The thread was let run since the last look. */
  hasRun: boolean;
  readonly isRunning: boolean;
}

export class CpuTime {
  #seenNs = 0;

  /** Brings the shares of `threads` up to date. A process that is gone keeps what was seen last. */
  update(hostPid: number, threads: Iterable<CpuConsumer>): void {
    if (hostPid <= 0) return;
    timespec ??= allocateMemory(4096);
    if (hostCall3(SYS_clock_gettime, (~hostPid << 3) | CPUCLOCK_SCHED, timespec.address) < 0) return;
    const { u32 } = timespec;
    const nowNs = (u32[0] + u32[1] * 2 ** 32) * 1e9 + u32[2];
    const stepNs = nowNs - this.#seenNs;
    if (stepNs <= 0) return;
    let count = 0;
    for (const thread of threads) if (thread.hasRun) count++;
    if (count === 0) return;
    this.#seenNs = nowNs;
    const shareNs = Math.floor(stepNs / count);
    for (const thread of threads) {
      if (!thread.hasRun) continue;
      thread.cpuNs += shareNs;
      thread.hasRun = thread.isRunning;
    }
  }
}
