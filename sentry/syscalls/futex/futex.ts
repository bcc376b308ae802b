import {
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  FUTEX_BITSET_MATCH_ANY,
  FUTEX_CLOCK_REALTIME,
  FUTEX_CMP_REQUEUE,
  FUTEX_CMP_REQUEUE_PI,
  FUTEX_LOCK_PI,
  FUTEX_LOCK_PI2,
  FUTEX_PRIVATE_FLAG,
  FUTEX_REQUEUE,
  FUTEX_TRYLOCK_PI,
  FUTEX_UNLOCK_PI,
  FUTEX_WAIT,
  FUTEX_WAIT_BITSET,
  FUTEX_WAIT_REQUEUE_PI,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
  FUTEX_WAKE_OP,
} from "../../../syscall-tables/flags/time.ts";
import { ENOSYS } from "../../abi/errno.ts";
import { requeueFutex, waitFutex, wakeFutex, wakeOpFutex } from "../../futex/futex.ts";
import { lockPi, requeuePi, unlockPi, waitRequeuePi } from "../../futex/pi-futex.ts";

import { toMonotonicNs } from "../../task/clocks.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { readTimespecNs } from "../time/timespec.ts";

const FUTEX_CMD_MASK = ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);

/** Commands that may choose their clock. */
const takesClock = (command: number): boolean =>
  command === FUTEX_WAIT_BITSET || command === FUTEX_WAIT_REQUEUE_PI || command === FUTEX_LOCK_PI2;

const takesTimeout = (command: number): boolean => command === FUTEX_WAIT || command === FUTEX_LOCK_PI || takesClock(command);

/** The CLOCK_MONOTONIC deadline of a command; EFAULT or EINVAL as negative numbers. FUTEX_WAIT counts from now, the others name a point. */
const readDeadline = (task: Task, command: number, isRealtime: boolean, timeoutAddr: number): number => {
  if (timeoutAddr === 0 || !takesTimeout(command)) return Number.POSITIVE_INFINITY;
  const ns = readTimespecNs(task, timeoutAddr);
  if (ns < 0) return ns;
  if (command === FUTEX_WAIT) return task.kernel.clock.monotonicNs() + ns;
  // A point before the machine's start has passed just as well as its first nanosecond.
  const clock = isRealtime || command === FUTEX_LOCK_PI ? CLOCK_REALTIME : CLOCK_MONOTONIC;
  return Math.max(0, toMonotonicNs(task, clock, ns));
};

/** futex(2). `timeout` is a count (val2) for the requeueing commands. */
export const sys_futex = implement("futex", { level: "full" }, (task, addr, op, value, timeout, addr2, value3) => {
  const command = op & FUTEX_CMD_MASK;
  const isPrivate = (op & FUTEX_PRIVATE_FLAG) !== 0;
  const isRealtime = (op & FUTEX_CLOCK_REALTIME) !== 0;
  if (isRealtime && !takesClock(command)) return ENOSYS;
  const deadlineNs = readDeadline(task, command, isRealtime, timeout);
  if (deadlineNs < 0) return deadlineNs;
  const value2 = timeout | 0;
  switch (command) {
    case FUTEX_WAIT:
      return waitFutex(task, addr, value, FUTEX_BITSET_MATCH_ANY, isPrivate, deadlineNs);
    case FUTEX_WAIT_BITSET:
      return waitFutex(task, addr, value, value3, isPrivate, deadlineNs);
    case FUTEX_WAKE:
      return wakeFutex(task, addr, value | 0, FUTEX_BITSET_MATCH_ANY, isPrivate);
    case FUTEX_WAKE_BITSET:
      return wakeFutex(task, addr, value | 0, value3, isPrivate);
    case FUTEX_REQUEUE:
      return requeueFutex(task, addr, isPrivate, addr2, isPrivate, value | 0, value2, null);
    case FUTEX_CMP_REQUEUE:
      return requeueFutex(task, addr, isPrivate, addr2, isPrivate, value | 0, value2, value3);
    case FUTEX_WAKE_OP:
      return wakeOpFutex(task, addr, addr2, value | 0, value2, value3, isPrivate);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
      return lockPi(task, addr, isPrivate, deadlineNs, false);
    case FUTEX_TRYLOCK_PI:
      return lockPi(task, addr, isPrivate, Number.POSITIVE_INFINITY, true);
    case FUTEX_UNLOCK_PI:
      return unlockPi(task, addr, isPrivate);
    case FUTEX_WAIT_REQUEUE_PI:
      return waitRequeuePi(task, addr, value, FUTEX_BITSET_MATCH_ANY, addr2, isPrivate, deadlineNs);
    case FUTEX_CMP_REQUEUE_PI:
      return requeuePi(task, addr, addr2, value | 0, value2, value3, isPrivate);
    default:
      return ENOSYS;
  }
});
