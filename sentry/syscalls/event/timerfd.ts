import { O_CLOEXEC, O_NONBLOCK } from "../../../syscall-tables/flags/open.ts";
import { CAP_WAKE_ALARM } from "../../../syscall-tables/flags/system.ts";
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  TFD_TIMER_ABSTIME,
  TFD_TIMER_CANCEL_ON_SET,
} from "../../../syscall-tables/flags/time.ts";

import { EBADF, EFAULT, EINVAL, EPERM, isErrno } from "../../abi/errno.ts";
import { TimerFile } from "../../fs/timerfd/timerfd.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";

import { implement } from "../implement.ts";
import { readTimespec, writeTimeout } from "../poll/timeout.ts";

const isKnownClock = (clock: number): boolean =>
  clock === CLOCK_REALTIME ||
  clock === CLOCK_MONOTONIC ||
  clock === CLOCK_BOOTTIME ||
  clock === CLOCK_REALTIME_ALARM ||
  clock === CLOCK_BOOTTIME_ALARM;

const timerFile = (task: Task, fd: number): TimerFile | number => {
  const file = task.file(fd);
  if (isErrno(file)) return EBADF;
  return file instanceof TimerFile ? file : EINVAL;
};

/** timerfd_create(2) */
export const sys_timerfd_create = implement("timerfd_create", { level: "full" }, (task, clock, flags) => {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0 || !isKnownClock(clock)) return EINVAL;
  if ((clock === CLOCK_REALTIME_ALARM || clock === CLOCK_BOOTTIME_ALARM) && !task.creds.has(CAP_WAKE_ALARM)) return EPERM;
  const error = task.files.canInstall();
  if (error < 0) return error;
  return task.files.install(new TimerFile(task.kernel, clock, flags & O_NONBLOCK), (flags & O_CLOEXEC) !== 0);
});

/** struct itimerspec: the interval, then the time to expiration. */
const writeItimerspec = (task: Task, addr: UserAddr, intervalNs: number, valueNs: number): number =>
  writeTimeout(task, addr, intervalNs, 1) && writeTimeout(task, addr + 16, valueNs, 1) ? 0 : EFAULT;

/** timens_ktime_to_host(): a point on the caller's clock as one on the machine's. 0 disarms and stays. */
const withoutOffset = (task: Task, clock: number, pointNs: number): number => {
  const { monotonicNs, boottimeNs } = task.timeNamespace;
  if (pointNs === 0 || clock === CLOCK_REALTIME || clock === CLOCK_REALTIME_ALARM) return pointNs;
  return Math.max(1, pointNs - (clock === CLOCK_MONOTONIC ? monotonicNs : boottimeNs));
};

/** timerfd_settime(2) */
export const sys_timerfd_settime = implement("timerfd_settime", { level: "full" }, (task, fd, flags, newAddr, oldAddr) => {
  if (newAddr === 0) return EFAULT;
  const intervalNs = readTimespec(task, newAddr);
  const valueNs = readTimespec(task, newAddr + 16);
  if (intervalNs === EFAULT || valueNs === EFAULT) return EFAULT;
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) !== 0 || intervalNs < 0 || valueNs < 0) return EINVAL;
  const file = timerFile(task, fd);
  if (typeof file === "number") return file;
  const oldValueNs = file.remainingNs();
  const oldIntervalNs = file.intervalNs;
  const result = file.set(flags, (flags & TFD_TIMER_ABSTIME) === 0 ? valueNs : withoutOffset(task, file.clock, valueNs), intervalNs);
  if (oldAddr !== 0 && writeItimerspec(task, oldAddr, oldIntervalNs, oldValueNs) < 0) return EFAULT;
  return result;
});

/** timerfd_gettime(2) */
export const sys_timerfd_gettime = implement("timerfd_gettime", { level: "full" }, (task, fd, currentAddr) => {
  const file = timerFile(task, fd);
  if (typeof file === "number") return file;
  const valueNs = file.remainingNs();
  return writeItimerspec(task, currentAddr, file.intervalNs, valueNs);
});
