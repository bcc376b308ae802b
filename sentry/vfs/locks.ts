/**
 * File locks (fcntl(2), flock(2), fs/locks.c). POSIX byte ranges belong to an fd table (a
 * process), OFD ranges and flock locks to an open file description. Nothing here sleeps.
 */
import { F_RDLCK, F_UNLCK, F_WRLCK, LOCK_EX, LOCK_SH, LOCK_UN } from "../../syscall-tables/flags/fd.ts";
import { EAGAIN } from "../abi/errno.ts";
import { WaitQueue } from "../task/blocking.ts";
import type { FdTable } from "./fd-table.ts";
import type { Inode } from "./inode.ts";
import type { OpenFile } from "./open-file.ts";

/** A locked byte range; `end` is its last byte, Infinity to the end of the file. */
export interface RangeLock {
  readonly owner: FdTable | OpenFile;
  /** F_RDLCK or F_WRLCK. */
  readonly type: number;
  readonly start: number;
  readonly end: number;
  /** The process that asked (root pid namespace); -1 for OFD locks. */
  readonly pid: number;
}

/** A whole-file lock of flock(2). */
export interface FlockLock {
  readonly file: OpenFile;
  readonly isExclusive: boolean;
  readonly pid: number;
}

/** Where a file's locks are known outside, too: the guest as one holder (fs/gofer). */
export interface HostLocks {
  /** The last try failed for a holder outside, of whose end nobody tells. */
  readonly isRefused: boolean;
  /** Sets a range, or drops it (F_UNLCK): 0 or EAGAIN. */
  setRange(type: number, start: number, end: number): number;
  findRange(type: number, start: number, end: number): { readonly type: number; readonly start: number; readonly end: number } | null;
  /** LOCK_SH, LOCK_EX or LOCK_UN: 0 or EAGAIN. */
  setFlock(operation: number): number;
}

/** What a range lock is asked for. */
export interface RangeRequest {
  readonly owner: FdTable | OpenFile;
  /** F_RDLCK, F_WRLCK or F_UNLCK. */
  readonly type: number;
  readonly start: number;
  readonly end: number;
  readonly pid: number;
}

export class InodeLocks {
  /** Ascending by owner's insertion, each owner's ranges by start and disjoint. */
  ranges: RangeLock[] = [];
  flocks: FlockLock[] = [];
  /** Notified whenever a lock goes or shrinks. */
  readonly queue = new WaitQueue();
}

/** Inodes with locks, for /proc/locks. */
const lockedInodes = new Set<Inode>();

export const locksOf = (inode: Inode): InodeLocks => {
  inode.locks ??= new InodeLocks();
  lockedInodes.add(inode);
  return inode.locks;
};

/** Forgets the table of an inode that nobody locks or waits for. */
const settle = (inode: Inode): void => {
  const { locks } = inode;
  if (locks === null || locks.ranges.length > 0 || locks.flocks.length > 0) return;
  lockedInodes.delete(inode);
  if (locks.queue.isEmpty) inode.locks = null;
};

const overlaps = (lock: RangeLock, request: RangeRequest): boolean => lock.start <= request.end && request.start <= lock.end;

/** The first lock of another owner that stands against `request`, or null. */
export const findConflict = (inode: Inode, request: RangeRequest): RangeLock | null => {
  const { locks } = inode;
  if (locks === null) return null;
  for (const lock of locks.ranges) {
    if (lock.owner === request.owner || !overlaps(lock, request)) continue;
    if (lock.type === F_WRLCK || request.type === F_WRLCK) return lock;
  }
  return null;
};

/** The same for locks of the host's; nothing tells whose they are. */
export const findHostConflict = (inode: Inode, { type, start, end }: RangeRequest): Pick<RangeLock, "type" | "start" | "end"> | null =>
  inode.hostLocks()?.findRange(type, start, end) ?? null;

/** What nobody in the guest holds of [start, end] any more is not held outside either. */
const dropOutside = (inode: Inode, start: number, end: number): void => {
  const host = inode.hostLocks();
  if (host === null) return;
  const held = (inode.locks?.ranges ?? []).filter((lock) => lock.start <= end && start <= lock.end);
  held.sort((a, b) => a.start - b.start);
  let at = start;
  for (const lock of held) {
    if (lock.start > at) host.setRange(F_UNLCK, at, lock.start - 1);
    at = Math.max(at, lock.end + 1);
  }
  if (at <= end && at !== Number.POSITIVE_INFINITY) host.setRange(F_UNLCK, at, end);
};

/** Takes, changes or drops a range: 0, or EAGAIN when another owner's lock stands against it. */
export const setRange = (inode: Inode, request: RangeRequest): number => {
  if (request.type !== F_UNLCK && findConflict(inode, request) !== null) return EAGAIN;
  if (request.type === F_UNLCK && inode.locks === null) return 0;
  if (request.type !== F_UNLCK && (inode.hostLocks()?.setRange(request.type, request.start, request.end) ?? 0) < 0) return EAGAIN;
  const locks = locksOf(inode);
  const { owner, type, pid } = request;
  let { start, end } = request;
  const others: RangeLock[] = [];
  const own: RangeLock[] = [];
  let hasFreed = false;
  for (const lock of locks.ranges) {
    if (lock.owner !== owner) others.push(lock);
    else if (lock.type === type && lock.start <= end + 1 && start <= lock.end + 1) {
      // The same type, overlapping or adjacent: one lock.
      start = Math.min(start, lock.start);
      end = Math.max(end, lock.end);
    } else if (lock.end < start || end < lock.start) own.push(lock);
    else {
      // Another type: what the request does not cover stays.
      hasFreed = true;
      if (lock.start < start) own.push({ ...lock, end: start - 1 });
      if (lock.end > end) own.push({ ...lock, start: end + 1 });
    }
  }
  if (type !== F_UNLCK) own.push({ owner, type, start, end, pid });
  own.sort((a, b) => a.start - b.start);
  locks.ranges = [...others, ...own];
  if (type === F_UNLCK) dropOutside(inode, request.start, request.end);
  if (hasFreed) locks.queue.notify();
  settle(inode);
  return 0;
};

/** A request that sleeps, for the search for deadlocks. */
export interface RangeWaiter {
  readonly inode: Inode;
  readonly request: RangeRequest;
}

const waiters = new Set<RangeWaiter>();
/** As Linux: a longer chain is taken for no deadlock (MAX_DEADLK_ITERATIONS). */
const MAX_CHAIN = 10;

export const addWaiter = (waiter: RangeWaiter): void => {
  waiters.add(waiter);
};
export const removeWaiter = (waiter: RangeWaiter): void => {
  waiters.delete(waiter);
  settle(waiter.inode);
};

/** Would waiting close a circle: does an owner that stands in the way wait, in the end, for this one? */
export const isDeadlock = (inode: Inode, request: RangeRequest): boolean => {
  let blocker = findConflict(inode, request)?.owner ?? null;
  for (let steps = 0; steps < MAX_CHAIN && blocker !== null; steps++) {
    if (blocker === request.owner) return true;
    let next: RangeLock["owner"] | null = null;
    for (const waiter of waiters) {
      if (waiter.request.owner !== blocker) continue;
      next = findConflict(waiter.inode, waiter.request)?.owner ?? null;
      if (next !== null) break;
    }
    blocker = next;
  }
  return false;
};

/** flock(2): 0, or EAGAIN. Changing the kind of a lock lets go of it first, as Linux does. */
export const setFlock = (file: OpenFile, isExclusive: boolean, pid: number): number => {
  const locks = locksOf(file.inode);
  const held = locks.flocks.findIndex((lock) => lock.file === file);
  if (held >= 0) {
    if (locks.flocks[held].isExclusive === isExclusive) return 0;
    locks.flocks.splice(held, 1);
    locks.queue.notify();
  }
  if (locks.flocks.some((lock) => isExclusive || lock.isExclusive)) return EAGAIN;
  if ((file.inode.hostLocks()?.setFlock(isExclusive ? LOCK_EX : LOCK_SH) ?? 0) < 0) return EAGAIN;
  locks.flocks.push({ file, isExclusive, pid });
  return 0;
};

export const dropFlock = (file: OpenFile): void => {
  const { locks } = file.inode;
  if (locks === null) return;
  const before = locks.flocks.length;
  locks.flocks = locks.flocks.filter((lock) => lock.file !== file);
  if (before > 0 && locks.flocks.length === 0) file.inode.hostLocks()?.setFlock(LOCK_UN);
  if (locks.flocks.length !== before) locks.queue.notify();
  settle(file.inode);
};

const dropRanges = (inode: Inode, owner: RangeLock["owner"]): void => {
  const { locks } = inode;
  if (locks === null) return;
  const gone = locks.ranges.filter((lock) => lock.owner === owner);
  if (gone.length > 0) {
    locks.ranges = locks.ranges.filter((lock) => lock.owner !== owner);
    for (const { start, end } of gone) dropOutside(inode, start, end);
    locks.queue.notify();
  }
  settle(inode);
};

/** close(2): every POSIX lock of `owner` on the inode goes. */
export const dropPosixLocks = (inode: Inode, owner: FdTable): void => dropRanges(inode, owner);

/** The last reference to an open file goes, and its OFD and flock locks with it. */
export const dropFileLocks = (file: OpenFile): void => {
  dropRanges(file.inode, file);
  dropFlock(file);
};

/** One line of /proc/locks. */
export interface LockEntry {
  readonly kind: "POSIX" | "OFDLCK" | "FLOCK";
  readonly isWrite: boolean;
  /** Root pid namespace; -1 for OFD locks. */
  readonly pid: number;
  readonly inode: Inode;
  readonly start: number;
  /** Infinity: "EOF". */
  readonly end: number;
}

export const allLocks = (): LockEntry[] => {
  const entries: LockEntry[] = [];
  for (const inode of lockedInodes) {
    for (const { pid, type, start, end } of inode.locks?.ranges ?? []) {
      entries.push({ kind: pid < 0 ? "OFDLCK" : "POSIX", isWrite: type !== F_RDLCK, pid, inode, start, end });
    }
    for (const { isExclusive, pid } of inode.locks?.flocks ?? []) {
      entries.push({ kind: "FLOCK", isWrite: isExclusive, pid, inode, start: 0, end: Number.POSITIVE_INFINITY });
    }
  }
  return entries;
};
