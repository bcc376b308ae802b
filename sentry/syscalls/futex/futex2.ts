import { CLOCK_MONOTONIC, CLOCK_REALTIME, FUTEX2_PRIVATE, FUTEX2_SIZE_MASK, FUTEX2_SIZE_U32 } from "../../../syscall-tables/flags/time.ts";
import { EFAULT, EINVAL, type Errno, isErrno } from "../../abi/errno.ts";
import { requeueFutex, waitFutex, wakeFutex } from "../../futex/futex.ts";
import { type WaitvEntry, waitFutexes } from "../../futex/waitv.ts";
import { toMonotonicNs } from "../../task/clocks.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { readTimespecNs } from "../time/timespec.ts";

const FUTEX_WAITV_MAX = 128;
const WAITV_SIZE = 24;
const U32_MAX = 0xffff_ffff;

/** futex_flags_valid: 32-bit words only, without NUMA placement. */
const areFlagsValid = (flags: number): boolean =>
  (flags & ~(FUTEX2_SIZE_MASK | FUTEX2_PRIVATE)) === 0 && (flags & FUTEX2_SIZE_MASK) === FUTEX2_SIZE_U32;

/** futex2_setup_timeout: the absolute timeout as a CLOCK_MONOTONIC deadline. */
const readDeadline = (task: Task, timeoutAddr: number, clock: number): number => {
  if (timeoutAddr === 0) return Number.POSITIVE_INFINITY;
  if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC) return EINVAL;
  const ns = readTimespecNs(task, timeoutAddr);
  return ns < 0 ? ns : Math.max(0, toMonotonicNs(task, clock, ns));
};

/** futex_parse_waitv */
const readEntries = (task: Task, addr: number, count: number): WaitvEntry[] | Errno => {
  const view = task.memory.viewIn(addr, count * WAITV_SIZE);
  if (isErrno(view)) return EFAULT;
  const entries: WaitvEntry[] = [];
  for (let at = 0; at < count * WAITV_SIZE; at += WAITV_SIZE) {
    const flags = view.getUint32(at + 16, true);
    if (!areFlagsValid(flags) || view.getUint32(at + 20, true) !== 0 || view.getUint32(at + 4, true) !== 0) return EINVAL;
    entries.push({
      addr: view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * 2 ** 32,
      value: view.getUint32(at, true),
      isPrivate: (flags & FUTEX2_PRIVATE) !== 0,
    });
  }
  return entries;
};

/** futex_waitv(2) */
export const sys_futex_waitv = implement("futex_waitv", { level: "full" }, (task, waitersAddr, count, flags, timeoutAddr, clock) => {
  if (flags !== 0 || count === 0 || count > FUTEX_WAITV_MAX || waitersAddr === 0) return EINVAL;
  const deadlineNs = readDeadline(task, timeoutAddr, clock);
  if (deadlineNs < 0) return deadlineNs;
  const entries = readEntries(task, waitersAddr, count);
  return isErrno(entries) ? entries : waitFutexes(task, entries, deadlineNs);
});

/** futex_wait(2), since Linux 6.7 */
export const sys_futex_wait = implement("futex_wait", { level: "full" }, (task, addr, value, mask, flags, timeoutAddr, clock) => {
  if (!areFlagsValid(flags) || value > U32_MAX || mask > U32_MAX) return EINVAL;
  const deadlineNs = readDeadline(task, timeoutAddr, clock);
  if (deadlineNs < 0) return deadlineNs;
  return waitFutex(task, addr, value, mask, (flags & FUTEX2_PRIVATE) !== 0, deadlineNs);
});

/** futex_wake(2), since Linux 6.7: unlike FUTEX_WAKE it wakes nobody when asked for 0. */
export const sys_futex_wake = implement("futex_wake", { level: "full" }, (task, addr, mask, count, flags) => {
  if (!areFlagsValid(flags) || mask > U32_MAX || mask === 0) return EINVAL;
  if (count === 0) return addr % 4 === 0 ? 0 : EINVAL;
  return wakeFutex(task, addr, count, mask, (flags & FUTEX2_PRIVATE) !== 0);
});

/** futex_requeue(2), since Linux 6.7 */
export const sys_futex_requeue = implement("futex_requeue", { level: "full" }, (task, waitersAddr, flags, wakeCount, requeueCount) => {
  if (flags !== 0 || waitersAddr === 0) return EINVAL;
  const entries = readEntries(task, waitersAddr, 2);
  if (isErrno(entries)) return entries;
  const [from, to] = entries;
  return requeueFutex(task, from.addr, from.isPrivate, to.addr, to.isPrivate, wakeCount, requeueCount, from.value);
});
