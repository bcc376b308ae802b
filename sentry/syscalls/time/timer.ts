import { RLIMIT_SIGPENDING } from "../../../syscall-tables/flags/process.ts";
import { SIGALRM, SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD, SIGEV_THREAD_ID } from "../../../syscall-tables/flags/signal.ts";
import { CAP_WAKE_ALARM } from "../../../syscall-tables/flags/system.ts";
import {
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_REALTIME_ALARM,
  CLOCK_REALTIME_COARSE,
  CLOCK_TAI,
  TIMER_ABSTIME,
} from "../../../syscall-tables/flags/time.ts";
import { EAGAIN, EFAULT, EINVAL, EOPNOTSUPP, EPERM, type Errno, isErrno } from "../../abi/errno.ts";

import { NSIG } from "../../abi/signal.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { cpuClock, readCpuClock, toMonotonicNs } from "../../task/clocks.ts";
import { type Notification, type PosixTimer, PosixTimers } from "../../task/posix-timers.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { readTimespecNs } from "./timespec.ts";

const SIGEVENT_SIZE = 64;
const ITIMERSPEC_SIZE = 32;

/** good_sigevent */
const readNotification = (task: Task, addr: UserAddr): ((id: number) => Notification) | Errno => {
  if (addr === 0) return (id) => ({ signal: SIGALRM, value: id, valueHi: 0, target: null });
  const view = task.memory.viewIn(addr, SIGEVENT_SIZE);
  if (isErrno(view)) return EFAULT;
  const notify = view.getInt32(12, true);
  const signal = view.getInt32(8, true);
  let target: Task | null = null;
  switch (notify) {
    case SIGEV_NONE:
      break;
    case SIGEV_THREAD_ID:
      target = task.pidNamespace.task(view.getInt32(16, true));
      if (target === null || target.process !== task.process) return EINVAL;
      break;
    case SIGEV_SIGNAL:
    case SIGEV_THREAD:
      break;
    default:
      return EINVAL;
  }
  if (notify !== SIGEV_NONE && (signal <= 0 || signal > NSIG)) return EINVAL;
  const notification = {
    signal: notify === SIGEV_NONE ? 0 : signal,
    value: view.getUint32(0, true),
    valueHi: view.getUint32(4, true),
    target,
  };
  return () => notification;
};

/** A clock that timers run on: 0, or why not. */
const checkClock = (task: Task, clock: number): 0 | Errno => {
  if (clock > CLOCK_TAI || clock === 10) return EINVAL;
  if (clock === CLOCK_MONOTONIC_RAW || clock === CLOCK_REALTIME_COARSE || clock === CLOCK_MONOTONIC_COARSE) return EOPNOTSUPP;
  if (clock === CLOCK_REALTIME_ALARM || clock === CLOCK_BOOTTIME_ALARM) return task.creds.has(CAP_WAKE_ALARM) ? 0 : EPERM;
  return 0;
};

/** timer_create(2) */
export const sys_timer_create = implement("timer_create", { level: "full" }, (task, clock, eventAddr, idAddr) => {
  const { process, kernel } = task;
  const refused = checkClock(task, clock);
  if (refused !== 0) return refused;
  const cpu = cpuClock(task, clock);
  if (typeof cpu === "number") return cpu;
  const account = kernel.pids.users.of(task.creds.uid);
  if (account.pendingSignals >= process.limits.get(RLIMIT_SIGPENDING).soft) return EAGAIN;
  process.posixTimers ??= new PosixTimers();
  const notification = readNotification(task, eventAddr);
  if (isErrno(notification)) {
    // Linux takes the id before it looks at the sigevent.
    if (notification === EINVAL) process.posixTimers.skipId();
    return notification;
  }
  const timer = process.posixTimers.create(process, clock, cpu === null ? null : () => readCpuClock(cpu), notification, account);
  if (task.memory.storeU32(idAddr, timer.id) < 0) {
    process.posixTimers.delete(timer);
    return EFAULT;
  }
  return 0;
});

const find = (task: Task, id: number): PosixTimer | null => task.process.posixTimers?.get(id) ?? null;

const writeSetting = (task: Task, addr: UserAddr, intervalNs: number, valueNs: number): number => {
  const bytes = new Uint8Array(ITIMERSPEC_SIZE);
  const view = new DataView(bytes.buffer);
  const put = (at: number, ns: number): void => {
    const seconds = Math.floor(ns / 1e9);
    view.setUint32(at, seconds >>> 0, true);
    view.setUint32(at + 4, Math.floor(seconds / 2 ** 32), true);
    view.setUint32(at + 8, Math.floor(ns - seconds * 1e9), true);
  };
  put(0, intervalNs);
  put(16, valueNs);
  return task.memory.copyOut(addr, bytes);
};

/** timer_settime(2) */
export const sys_timer_settime = implement("timer_settime", { level: "full" }, (task, id, flags, newAddr, oldAddr) => {
  if (newAddr === 0) return EINVAL;
  const intervalNs = readTimespecNs(task, newAddr);
  if (intervalNs < 0) return intervalNs;
  const valueNs = readTimespecNs(task, newAddr + 16);
  if (valueNs < 0) return valueNs;
  const timer = find(task, id);
  if (timer === null) return EINVAL;
  const oldIntervalNs = timer.intervalNs;
  const oldLeftNs = timer.leftNs;
  let expiryNs = 0;
  if (valueNs > 0) {
    const isCpu = cpuClock(task, timer.clock) !== null;
    if ((flags & TIMER_ABSTIME) === 0) expiryNs = timer.nowNs() + valueNs;
    else expiryNs = isCpu ? valueNs : Math.max(1, toMonotonicNs(task, timer.clock, valueNs));
  }
  timer.set(expiryNs, intervalNs);
  return oldAddr === 0 ? 0 : writeSetting(task, oldAddr, oldIntervalNs, oldLeftNs);
});

/** timer_gettime(2) */
export const sys_timer_gettime = implement("timer_gettime", { level: "full" }, (task, id, addr) => {
  const timer = find(task, id);
  return timer === null ? EINVAL : writeSetting(task, addr, timer.intervalNs, timer.leftNs);
});

/** timer_getoverrun(2) */
export const sys_timer_getoverrun = implement("timer_getoverrun", { level: "full" }, (task, id) => find(task, id)?.overrun ?? EINVAL);

/** timer_delete(2) */
export const sys_timer_delete = implement("timer_delete", { level: "full" }, (task, id) => {
  const timer = find(task, id);
  if (timer === null) return EINVAL;
  task.process.posixTimers?.delete(timer);
  return 0;
});
