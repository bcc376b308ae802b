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

/** The clock's time now; EINVAL for one that does not exist. */
export const clockNs = (task: Task, clock: number): number => {
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

/** A point on a clock of the machine as a point on CLOCK_MONOTONIC. */
export const toMonotonicNs = (task: Task, clock: number, absoluteNs: number): number => {
  const { clock: kernelClock } = task.kernel;
  if (clock === CLOCK_MONOTONIC) return absoluteNs;
  return kernelClock.monotonicNs() + (absoluteNs - clockNs(task, clock));
};
