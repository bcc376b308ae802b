/** The clocks of clock_gettime(2), in ns as doubles. */
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_REALTIME_COARSE,
  CLOCK_TAI,
  CLOCK_THREAD_CPUTIME_ID,
} from "../../syscall-tables/flags/time.ts";
import { EINVAL, type Errno } from "../abi/errno.ts";
import type { Task } from "./task.ts";
import { NO_OFFSET, type TimeOffset } from "./time-namespace.ts";
import { processCpuNs, taskCpuNs, usageOf, usageOfTask } from "./usage.ts";

const CPUCLOCK_VIRT = 1;

/** A CPU clock of a process or thread; null for the clocks of the machine. */
export interface CpuClock {
  readonly task: Task;
  readonly isThread: boolean;
  /** CPUCLOCK_VIRT: user time alone. */
  readonly isUser: boolean;
}

/** clock ids below zero name a process or thread: ~pid << 3, with bit 2 for threads (CPUCLOCK_*). */
export const cpuClock = (task: Task, clock: number): CpuClock | Errno | null => {
  if (clock === CLOCK_PROCESS_CPUTIME_ID) return { task: task.process.leader, isThread: false, isUser: false };
  if (clock === CLOCK_THREAD_CPUTIME_ID) return { task, isThread: true, isUser: false };
  if (clock >= 0) return null;
  const which = clock & 3;
  const isThread = (clock & 4) !== 0;
  const isUser = which === CPUCLOCK_VIRT;
  // 3 is CLOCKFD: a character device's clock.
  if (which === 3) return EINVAL;
  const id = ~(clock >> 3);
  if (id === 0) return { task: isThread ? task : task.process.leader, isThread, isUser };
  const target = task.pidNamespace.task(id);
  if (target === null) return EINVAL;
  if (isThread) return target.process === task.process ? { task: target, isThread, isUser } : EINVAL;
  return target.isLeader ? { task: target, isThread, isUser } : EINVAL;
};

export const readCpuClock = ({ task, isThread, isUser }: CpuClock): number => {
  if (isUser) return isThread ? usageOfTask(task).userNs : usageOf(task.process).userNs;
  return isThread ? taskCpuNs(task) : processCpuNs(task.process);
};

/** What the caller's time namespace adds to a clock. */
export const clockOffset = ({ timeNamespace }: Task, clock: number): TimeOffset => {
  switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
      return timeNamespace.monotonic;
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
      return timeNamespace.boottime;
    default:
      return NO_OFFSET;
  }
};

/** The machine's or a process's clock now, without the caller's offset; EINVAL for one that does not exist. */
export const machineClockNs = (task: Task, clock: number): number => {
  const kernelClock = task.kernel.clock;
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
      return kernelClock.realtimeNs();
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
      return kernelClock.monotonicNs();
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
      return kernelClock.monotonicNs() + kernelClock.bootOffsetNs;
    default: {
      const cpu = cpuClock(task, clock);
      return cpu === null || typeof cpu === "number" ? EINVAL : readCpuClock(cpu);
    }
  }
};

/** A point on a clock, as the caller sees it, as a point on the CLOCK_MONOTONIC of the machine. */
export const toMonotonicNs = (task: Task, clock: number, absoluteNs: number): number => {
  const { clock: kernelClock } = task.kernel;
  if (clock === CLOCK_MONOTONIC) return Math.max(0, absoluteNs - task.timeNamespace.monotonicNs);
  const { sec, nsec } = clockOffset(task, clock);
  return kernelClock.monotonicNs() + (absoluteNs - (sec * 1e9 + nsec) - machineClockNs(task, clock));
};
