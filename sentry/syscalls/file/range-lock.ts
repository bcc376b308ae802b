/** fcntl(2) byte-range locks: POSIX (F_SETLK) and open file description (F_OFD_SETLK). */

import { F_RDLCK, F_UNLCK, F_WRLCK, SEEK_CUR, SEEK_END, SEEK_SET } from "../../../syscall-tables/flags/fd.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EAGAIN, EBADF, EDEADLK, EFAULT, EINVAL, EOVERFLOW, ERESTARTSYS } from "../../abi/errno.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import {
  addWaiter,
  findConflict,
  findHostConflict,
  isDeadlock,
  locksOf,
  type RangeRequest,
  type RangeWaiter,
  removeWaiter,
  setRange,
} from "../../vfs/locks.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { watchHostLock } from "./host-lock-timer.ts";

const FLOCK_SIZE = 32;
const bytes = new Uint8Array(FLOCK_SIZE);
const view = new DataView(bytes.buffer);
/** OFFSET_MAX as a double. */
const OFFSET_MAX = 2 ** 63;

const signed64 = (at: number): number => view.getUint32(at, true) + view.getInt32(at + 4, true) * TWO_32;

/** struct flock as the caller wrote it (flock_to_posix_lock). */
const readRequest = (task: Task, file: OpenFile, addr: number, isOfd: boolean): RangeRequest | number => {
  if (task.memory.readInto(addr, bytes, 0, FLOCK_SIZE) < FLOCK_SIZE) return EFAULT;
  const type = view.getInt16(0, true);
  if (type !== F_RDLCK && type !== F_WRLCK && type !== F_UNLCK) return EINVAL;
  let start = signed64(8);
  const length = signed64(16);
  switch (view.getInt16(2, true)) {
    case SEEK_SET:
      break;
    case SEEK_CUR:
      start += file.position;
      break;
    case SEEK_END:
      start += file.inode.size;
      break;
    default:
      return EINVAL;
  }
  if (start >= OFFSET_MAX) return EOVERFLOW;
  if (start < 0) return EINVAL;
  let end = Number.POSITIVE_INFINITY;
  if (length > 0) {
    end = start + length - 1;
    // A double cannot tell OFFSET_MAX from what lies just beyond it.
    if (end >= OFFSET_MAX) {
      if (start > 0) return EOVERFLOW;
      end = Number.POSITIVE_INFINITY;
    }
  } else if (length < 0) {
    if (start + length < 0) return EINVAL;
    end = start - 1;
    start += length;
  }
  if (isOfd && view.getInt32(24, true) !== 0) return EINVAL;
  return { owner: isOfd ? file : task.files, type, start, end, pid: isOfd ? -1 : task.process.pid };
};

/** F_GETLK: the first lock in the way, or F_UNLCK. */
export const getRangeLock = (task: Task, file: OpenFile, addr: number, isOfd: boolean): number => {
  const request = readRequest(task, file, addr, isOfd);
  if (typeof request === "number") return request;
  // Asking for F_UNLCK finds the caller's own OFD locks since Linux 6.12; before, and for POSIX locks, it is refused.
  if (request.type === F_UNLCK) return EINVAL;
  const inside = findConflict(file.inode, request);
  const outside = inside === null ? findHostConflict(file.inode, request) : null;
  // Whoever is no process of the caller's pid namespace is shown as 0 (locks_translate_pid).
  const conflict = inside ?? (outside === null ? null : { ...outside, pid: 0 });
  const { memory } = task;
  if (conflict === null) return memory.storeU16(addr, F_UNLCK);
  bytes.fill(0);
  view.setInt16(0, conflict.type, true);
  view.setInt16(2, SEEK_SET, true);
  view.setUint32(8, conflict.start >>> 0, true);
  view.setUint32(12, Math.floor(conflict.start / TWO_32), true);
  const length = conflict.end === Number.POSITIVE_INFINITY ? 0 : conflict.end - conflict.start + 1;
  view.setUint32(16, length >>> 0, true);
  view.setUint32(20, Math.floor(length / TWO_32), true);
  view.setInt32(24, conflict.pid <= 0 ? conflict.pid : localPid(task, conflict.pid), true);
  return memory.copyOut(addr, bytes);
};

/** A root pid as the caller's pid namespace counts it. */
const localPid = (task: Task, root: number): number => {
  const holder = task.kernel.pids.pid(root);
  return holder === null ? root : holder.in(task.pidNamespace);
};

export const setRangeLock = (task: Task, fd: number, file: OpenFile, addr: number, isOfd: boolean, waits: boolean): number => {
  const request = readRequest(task, file, addr, isOfd);
  if (typeof request === "number") return request;
  if (request.type === F_RDLCK && !file.canRead) return EBADF;
  if (request.type === F_WRLCK && !file.canWrite) return EBADF;
  const result = setRange(file.inode, request);
  if (result !== EAGAIN || !waits) return result;
  if (!isOfd && isDeadlock(file.inode, request)) return EDEADLK;
  return task.block(new RangeLockOp(fd, file, request));
};

class RangeLockOp extends BlockingOp implements RangeWaiter {
  readonly request: RangeRequest;
  readonly #file: OpenFile;
  readonly #fd: number;

  constructor(fd: number, file: OpenFile, request: RangeRequest) {
    super();
    this.#file = file.take();
    this.#fd = fd;
    this.request = request;
  }

  get inode(): OpenFile["inode"] {
    return this.#file.inode;
  }

  subscribe(task: Task): void {
    task.waitOn(locksOf(this.inode).queue);
    watchHostLock(this.inode, task);
    addWaiter(this);
  }

  #finish(result: number): number {
    removeWaiter(this);
    this.#file.put();
    return result;
  }

  step(task: Task): number {
    const result = setRange(this.inode, this.request);
    if (result !== EAGAIN) {
      // The fd was closed meanwhile, and close drops the process's locks: so must this one go (fcntl_setlk).
      const isStale = result === 0 && this.request.owner === task.files && task.files.get(this.#fd) !== this.#file;
      if (isStale) setRange(this.inode, { ...this.request, type: F_UNLCK });
      return this.#finish(isStale ? EBADF : result);
    }
    return this.request.pid >= 0 && isDeadlock(this.inode, this.request) ? this.#finish(EDEADLK) : BLOCKED;
  }

  override interrupted(_task: Task): number {
    return this.#finish(ERESTARTSYS);
  }

  describe(): string {
    return "fcntl_setlk";
  }
}
