/** File locks of the host: flock(2), and byte ranges of an open file description (fcntl(2), F_OFD_SETLK). */
import { F_OFD_GETLK, F_OFD_SETLK, LOCK_EX, LOCK_NB } from "../../syscall-tables/flags/fd.ts";
import { allocateMemory, type HostMemory, hostCall3 } from "./syscall-unsafe.ts";

const SYS_fcntl = 72;
const SYS_flock = 73;
const EINTR = -4;

/** Waits for the exclusive lock of the fd's open file description; it ends with the fd. */
export const lockFile = (fd: number): void => {
  let error = EINTR;
  while (error === EINTR) error = hostCall3(SYS_flock, fd, LOCK_EX);
  if (error < 0) throw new Error(`flock: errno ${-error}`);
};

/** flock(2) without waiting; `operation`: LOCK_SH, LOCK_EX or LOCK_UN. 0 or a negative errno. */
export const tryFlock = (fd: number, operation: number): number => hostCall3(SYS_flock, fd, operation | LOCK_NB);

/** struct flock. */
let memory: HostMemory | null = null;

const fill = (type: number, start: number, end: number): HostMemory => {
  memory ??= allocateMemory(4096);
  const { view } = memory;
  const length = end === Number.POSITIVE_INFINITY ? 0 : end - start + 1;
  view.setInt16(0, type, true);
  view.setInt16(2, 0, true);
  view.setUint32(8, start >>> 0, true);
  view.setUint32(12, Math.floor(start / 2 ** 32), true);
  view.setUint32(16, length >>> 0, true);
  view.setUint32(20, Math.floor(length / 2 ** 32), true);
  view.setInt32(24, 0, true);
  return memory;
};

/** Takes or drops a range without waiting; `end` is its last byte, Infinity the end of all files. 0 or a negative errno. */
export const setRangeOf = (fd: number, type: number, start: number, end: number): number =>
  hostCall3(SYS_fcntl, fd, F_OFD_SETLK, fill(type, start, end).address);

export interface HostRange {
  readonly type: number;
  readonly start: number;
  /** Infinity: to the end of all files. */
  readonly end: number;
}

/** The first lock of others that stands against such a range; null without one. */
export const findRangeOf = (fd: number, type: number, start: number, end: number): HostRange | null => {
  const { view, address } = fill(type, start, end);
  if (hostCall3(SYS_fcntl, fd, F_OFD_GETLK, address) < 0) return null;
  const found = view.getInt16(0, true);
  const F_UNLCK = 2;
  if (found === F_UNLCK) return null;
  const from = view.getUint32(8, true) + view.getInt32(12, true) * 2 ** 32;
  const length = view.getUint32(16, true) + view.getInt32(20, true) * 2 ** 32;
  return { type: found, start: from, end: length === 0 ? Number.POSITIVE_INFINITY : from + length - 1 };
};
