/** struct timespec and timeval in guest memory. Times are ns as doubles; huge ones saturate far beyond any clock. */
import { EFAULT, EINVAL } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";

/** KTIME_MAX is 292 years; a sleep this long never ends either way. */
const NS_MAX = 9.2e18;

const buffer = new Uint8Array(32);
const view = new DataView(buffer.buffer);

const sec = (at: number): number => view.getUint32(at, true) + view.getInt32(at + 4, true) * 2 ** 32;

/** A time span or point of at least 0 ns; EFAULT, or EINVAL when negative or with 1e9 ns or more (timespec64_valid). */
export const readTimespecNs = (task: Task, addr: UserAddr): number => {
  if (task.memory.readInto(addr, buffer, 0, 16) !== 16) return EFAULT;
  const seconds = sec(0);
  const nanoseconds = sec(8);
  if (seconds < 0 || nanoseconds < 0 || nanoseconds >= 1e9) return EINVAL;
  return Math.min(seconds * 1e9 + nanoseconds, NS_MAX);
};

const put = (at: number, value: number): void => {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
};

/** 0 or EFAULT. */
export const writeTimespec = (task: Task, addr: UserAddr, seconds: number, nanoseconds: number): number => {
  put(0, seconds);
  put(8, nanoseconds);
  return task.memory.writeFrom(addr, buffer, 0, 16) === 16 ? 0 : EFAULT;
};

export const writeTimespecNs = (task: Task, addr: UserAddr, ns: number): number => {
  const seconds = Math.floor(ns / 1e9);
  return writeTimespec(task, addr, seconds, Math.floor(ns - seconds * 1e9));
};
