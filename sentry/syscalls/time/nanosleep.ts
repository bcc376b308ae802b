import { CAP_WAKE_ALARM } from "../../../syscall-tables/flags/system.ts";
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_TAI,
  TIMER_ABSTIME,
} from "../../../syscall-tables/flags/time.ts";
import { EFAULT, EINVAL, EOPNOTSUPP, EPERM, ERESTART_RESTARTBLOCK, ERESTARTNOHAND } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import { type CpuClock, cpuClock, readCpuClock, toMonotonicNs } from "../../task/clocks.ts";
import { machine } from "../../task/machine.ts";
import type { RestartBlock, Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { readTimespecNs, writeTimespecNs } from "./timespec.ts";

const CPU_TICK_NS = 10_000_000;

/** Sleeps until its deadline. A relative sleep tells the rest and can be taken up again; an absolute one is just repeated. */
class SleepOp extends BlockingOp implements RestartBlock {
  readonly #remainingAddr: UserAddr;
  readonly #isAbsolute: boolean;

  constructor(deadlineNs: number, isAbsolute: boolean, remainingAddr: UserAddr) {
    super();
    this.deadlineNs = deadlineNs;
    this.#isAbsolute = isAbsolute;
    this.#remainingAddr = remainingAddr;
  }

  override subscribe(): void {}

  override step(task: Task): number {
    return task.kernel.clock.monotonicNs() >= this.deadlineNs ? 0 : BLOCKED;
  }

  override timedOut(): number {
    return 0;
  }

  override interrupted(task: Task): number {
    if (this.#isAbsolute) return ERESTARTNOHAND;
    if (this.#remainingAddr !== 0) {
      const left = Math.max(0, this.deadlineNs - task.kernel.clock.monotonicNs());
      if (writeTimespecNs(task, this.#remainingAddr, left) < 0) return EFAULT;
    }
    task.restartBlock = this;
    return ERESTART_RESTARTBLOCK;
  }

  restart(task: Task): number {
    return task.block(this);
  }

  override describe(): string {
    return "nanosleep";
  }
}

/** Sleeps until a process has used so much CPU time; looks again when that could be at the earliest. */
class CpuSleepOp extends BlockingOp implements RestartBlock {
  readonly #clock: CpuClock;
  readonly #targetNs: number;
  readonly #isAbsolute: boolean;
  readonly #remainingAddr: UserAddr;

  constructor(clock: CpuClock, targetNs: number, isAbsolute: boolean, remainingAddr: UserAddr) {
    super();
    this.#clock = clock;
    this.#targetNs = targetNs;
    this.#isAbsolute = isAbsolute;
    this.#remainingAddr = remainingAddr;
  }

  override subscribe(): void {}

  override step(task: Task): number {
    const left = this.#targetNs - readCpuClock(this.#clock);
    if (left <= 0) return 0;
    this.deadlineNs = task.kernel.clock.monotonicNs() + Math.max(left / machine.cpus.length, CPU_TICK_NS);
    return BLOCKED;
  }

  override timedOut(): number {
    return BLOCKED;
  }

  override interrupted(task: Task): number {
    if (this.#isAbsolute) return ERESTARTNOHAND;
    const left = Math.max(0, this.#targetNs - readCpuClock(this.#clock));
    if (this.#remainingAddr !== 0 && writeTimespecNs(task, this.#remainingAddr, left) < 0) return EFAULT;
    task.restartBlock = this;
    return ERESTART_RESTARTBLOCK;
  }

  restart(task: Task): number {
    return task.block(this);
  }

  override describe(): string {
    return "nanosleep";
  }
}

/** nanosleep(2) */
export const sys_nanosleep = implement("nanosleep", { level: "full" }, (task, requestAddr, remainingAddr) => {
  const ns = readTimespecNs(task, requestAddr);
  if (ns < 0) return ns;
  return task.block(new SleepOp(task.kernel.clock.monotonicNs() + ns, false, remainingAddr));
});

const sleepOnCpuClock = (task: Task, clock: number, ns: number, isAbsolute: boolean, remainingAddr: UserAddr): number => {
  const cpu = cpuClock(task, clock);
  if (cpu === null || typeof cpu === "number") return EINVAL;
  // A thread cannot wait for its own CPU time.
  if (cpu.isThread && cpu.task === task) return EINVAL;
  const targetNs = isAbsolute ? ns : readCpuClock(cpu) + ns;
  return task.block(new CpuSleepOp(cpu, targetNs, isAbsolute, remainingAddr));
};

/** clock_nanosleep(2) */
export const sys_clock_nanosleep = implement("clock_nanosleep", { level: "full" }, (task, clock, flags, requestAddr, remainingAddr) => {
  const isAbsolute = (flags & TIMER_ABSTIME) !== 0;
  const isCpu = clock < 0 || clock === CLOCK_PROCESS_CPUTIME_ID;
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
      break;
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
      if (!task.creds.has(CAP_WAKE_ALARM)) return EPERM;
      break;
    default:
      if (isCpu) break;
      return clock >= 0 && clock <= CLOCK_TAI && clock !== 10 ? EOPNOTSUPP : EINVAL;
  }
  const ns = readTimespecNs(task, requestAddr);
  if (ns < 0) return ns;
  if (isCpu) return sleepOnCpuClock(task, clock, ns, isAbsolute, isAbsolute ? 0 : remainingAddr);
  const deadlineNs = isAbsolute ? toMonotonicNs(task, clock, ns) : task.kernel.clock.monotonicNs() + ns;
  return task.block(new SleepOp(deadlineNs, isAbsolute, isAbsolute ? 0 : remainingAddr));
});
