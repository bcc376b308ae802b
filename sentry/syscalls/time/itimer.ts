import { ITIMER_PROF, ITIMER_REAL } from "../../../syscall-tables/flags/time.ts";
import { EFAULT, EINVAL, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { intervalTimersOf } from "../../task/interval-timers.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

const ITIMERVAL_SIZE = 32;

/** struct itimerval: interval, then value. */
const writeTimer = (task: Task, addr: UserAddr, which: number): number => {
  const timers = task.process.intervalTimers;
  const bytes = new Uint8Array(ITIMERVAL_SIZE);
  const view = new DataView(bytes.buffer);
  const put = (at: number, ns: number): void => {
    // Rounded up: a running timer never shows 0.
    const microseconds = Math.ceil(ns / 1000);
    const seconds = Math.floor(microseconds / 1e6);
    view.setUint32(at, seconds >>> 0, true);
    view.setUint32(at + 4, Math.floor(seconds / 2 ** 32), true);
    view.setUint32(at + 8, microseconds - seconds * 1e6, true);
  };
  put(0, timers?.intervalNs(which) ?? 0);
  put(16, timers?.remainingNs(which) ?? 0);
  return task.memory.copyOut(addr, bytes);
};

/** A timeval in ns, or EINVAL. */
const timevalNs = (view: DataView, at: number): number => {
  const seconds = view.getUint32(at, true) + view.getInt32(at + 4, true) * 2 ** 32;
  const microseconds = view.getUint32(at + 8, true) + view.getInt32(at + 12, true) * 2 ** 32;
  return seconds < 0 || microseconds < 0 || microseconds >= 1e6 ? EINVAL : Math.min(seconds * 1e9 + microseconds * 1000, 9.2e18);
};

/** getitimer(2) */
export const sys_getitimer = implement("getitimer", { level: "full" }, (task, which, addr) =>
  which < ITIMER_REAL || which > ITIMER_PROF ? EINVAL : writeTimer(task, addr, which),
);

/** setitimer(2) */
export const sys_setitimer = implement("setitimer", { level: "full" }, (task, which, newAddr, oldAddr) => {
  let valueNs = 0;
  let intervalNs = 0;
  // A null pointer stops the timer: an old mistake that Linux keeps for its users.
  if (newAddr !== 0) {
    const view = task.memory.viewIn(newAddr, ITIMERVAL_SIZE);
    if (isErrno(view)) return EFAULT;
    intervalNs = timevalNs(view, 0);
    valueNs = timevalNs(view, 16);
    if (intervalNs < 0 || valueNs < 0) return EINVAL;
  }
  if (which < ITIMER_REAL || which > ITIMER_PROF) return EINVAL;
  if (oldAddr !== 0 && writeTimer(task, oldAddr, which) < 0) return EFAULT;
  intervalTimersOf(task.process).set(which, valueNs, intervalNs);
  return 0;
});

/** alarm(2) */
export const sys_alarm = implement("alarm", { level: "full" }, (task, seconds) => {
  const timers = intervalTimersOf(task.process);
  const leftNs = timers.remainingNs(ITIMER_REAL);
  timers.set(ITIMER_REAL, seconds * 1e9, 0);
  // Rounded, but a running alarm never shows 0 (alarm_setitimer).
  return leftNs === 0 ? 0 : Math.max(1, Math.round(leftNs / 1e9));
});
