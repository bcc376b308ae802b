/** Timeouts and signal masks as the waiting calls take them. */
import { EFAULT, EINVAL } from "../../abi/errno.ts";
import { SIGSET_SIZE } from "../../abi/signal.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";

/** KTIME_MAX in seconds: later than that is never. */
const KTIME_SEC_MAX = 9_223_372_036;

const bytes = new Uint8Array(16);
const view = new DataView(bytes.buffer);

const toNs = (sec: number, nsec: number): number => (sec >= KTIME_SEC_MAX ? Number.POSITIVE_INFINITY : sec * 1e9 + nsec);

const readPair = (task: Task, addr: UserAddr): boolean => task.memory.readInto(addr, bytes, 0, 16) === 16;
const firstWord = (): number => view.getInt32(4, true) * 2 ** 32 + view.getUint32(0, true);
const secondWord = (): number => view.getInt32(12, true) * 2 ** 32 + view.getUint32(8, true);

/** A struct timespec as ns (`>= 0`, Infinity: for ever); NULL is Infinity. EINVAL or EFAULT. */
export const readTimespec = (task: Task, addr: UserAddr): number => {
  if (addr === 0) return Number.POSITIVE_INFINITY;
  if (!readPair(task, addr)) return EFAULT;
  const sec = firstWord();
  const nsec = secondWord();
  if (sec < 0 || nsec < 0 || nsec >= 1e9) return EINVAL;
  return toNs(sec, nsec);
};

/** A struct timeval; microseconds beyond a second are carried, as select(2) does. */
export const readTimeval = (task: Task, addr: UserAddr): number => {
  if (addr === 0) return Number.POSITIVE_INFINITY;
  if (!readPair(task, addr)) return EFAULT;
  const sec = firstWord() + Math.trunc(secondWord() / 1e6);
  const nsec = (secondWord() % 1e6) * 1000;
  if (sec < 0 || nsec < 0) return EINVAL;
  return toNs(sec, nsec);
};

/** Stores `ns` as a struct timespec (`unit` 1) or timeval (`unit` 1000). False: EFAULT. */
export const writeTimeout = (task: Task, addr: UserAddr, ns: number, unit: 1 | 1000): boolean => {
  const sec = Math.min(KTIME_SEC_MAX, Math.floor(ns / 1e9));
  view.setUint32(0, sec % 2 ** 32, true);
  view.setUint32(4, Math.floor(sec / 2 ** 32), true);
  view.setUint32(8, sec === KTIME_SEC_MAX ? 0 : Math.floor((ns - sec * 1e9) / unit), true);
  view.setUint32(12, 0, true);
  return task.memory.writeFrom(addr, bytes, 0, 16) === 16;
};

/** `timeoutNs` from now as a deadline. */
export const deadlineAfter = (task: Task, timeoutNs: number): number =>
  timeoutNs === Number.POSITIVE_INFINITY ? timeoutNs : task.kernel.clock.monotonicNs() + timeoutNs;

/** Waits under the signal mask at `maskAddr` (NULL: the task's own), as set_user_sigmask(). 0 or an errno. */
export const useTemporaryMask = (task: Task, maskAddr: UserAddr, size: number): number => {
  if (maskAddr === 0) return 0;
  if (size !== SIGSET_SIZE) return EINVAL;
  if (task.memory.readInto(maskAddr, bytes, 0, SIGSET_SIZE) !== SIGSET_SIZE) return EFAULT;
  task.signals.setTemporaryMask(view.getUint32(0, true), view.getUint32(4, true));
  return 0;
};
