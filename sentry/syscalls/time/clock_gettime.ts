import { CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_SGI_CYCLE } from "../../../syscall-tables/flags/time.ts";
import { EFAULT, EINVAL, EPERM } from "../../abi/errno.ts";
import { clockOffset, cpuClock, machineClockNs } from "../../task/clocks.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { readTimespecNs, writeTimespec, writeTimespecNs } from "./timespec.ts";

/** The tick of CONFIG_HZ=250, the resolution of the coarse clocks. */
const COARSE_NS = 4_000_000;
const HIGHEST_CLOCK = 11;

const isClock = (task: Task, clock: number): boolean => {
  if (clock >= 0) return clock <= HIGHEST_CLOCK && clock !== CLOCK_SGI_CYCLE;
  return typeof cpuClock(task, clock) === "object";
};

/** clock_gettime(2), for programs that do not use the vDSO */
export const sys_clock_gettime = implement("clock_gettime", { level: "full" }, (task, clock, addr) => {
  if (clock === CLOCK_REALTIME || clock === CLOCK_REALTIME_COARSE) {
    const { clock: kernelClock } = task.kernel;
    kernelClock.readRealtime();
    return writeTimespec(task, addr, kernelClock.sec, kernelClock.nsec);
  }
  const ns = machineClockNs(task, clock);
  if (ns < 0) return EINVAL;
  // The sum in ns would be more than a double holds exactly.
  const { sec, nsec } = clockOffset(task, clock);
  const seconds = Math.floor(ns / 1e9);
  const rest = Math.floor(ns - seconds * 1e9) + nsec;
  return rest < 1e9 ? writeTimespec(task, addr, seconds + sec, rest) : writeTimespec(task, addr, seconds + sec + 1, rest - 1e9);
});

/** clock_getres(2) */
export const sys_clock_getres = implement("clock_getres", { level: "full" }, (task, clock, addr) => {
  if (!isClock(task, clock)) return EINVAL;
  if (addr === 0) return 0;
  const isCoarse = clock === CLOCK_REALTIME_COARSE || clock === CLOCK_MONOTONIC_COARSE;
  return writeTimespecNs(task, addr, isCoarse ? COARSE_NS : 1);
});

/** clock_settime(2): the machine's time is not the sandbox's to set. */
export const sys_clock_settime = implement(
  "clock_settime",
  { level: "full", note: "EPERM even with CAP_SYS_TIME" },
  (task, clock, addr) => {
    if (clock !== CLOCK_REALTIME && (clock >= 0 || !isClock(task, clock))) return EINVAL;
    const ns = readTimespecNs(task, addr);
    return ns < 0 ? ns : EPERM;
  },
);

/** time(2) */
export const sys_time = implement("time", { level: "full" }, (task, addr) => {
  const { clock } = task.kernel;
  clock.readRealtime();
  if (addr !== 0 && task.memory.storeU64(addr, clock.sec) < 0) return EFAULT;
  return clock.sec;
});
