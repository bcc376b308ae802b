/** mlock(2) and its relatives. Locked pages are counted against RLIMIT_MEMLOCK and populated; the host is not asked to hold them. */

import { RLIMIT_MEMLOCK } from "../../syscall-tables/flags/process.ts";
import { CAP_IPC_LOCK } from "../../syscall-tables/flags/system.ts";
import { EINVAL, ENOMEM, EPERM } from "../abi/errno.ts";
import {
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  PAGE_SIZE,
  PROT_WRITE,
  pageAlign,
  pageStart,
} from "../abi/mman.ts";

import type { Task } from "../task/task.ts";
import type { AddressSpace } from "./address-space.ts";
import { canLockAtAll } from "./limits.ts";
import { forEachRun } from "./unmap-memory.ts";
import type { UserAddr } from "./user-memory.ts";
import { VM_LOCKED, VM_LOCKED_MASK, VM_LOCKONFAULT, type Vma } from "./vma.ts";

/** PAGE_ALIGN() in 64 bits: the last page wraps to 0. */
const roundedLength = (length: number): number => (pageAlign(length) >= 2 ** 64 ? 0 : pageAlign(length));

export const lockMemory = (mm: AddressSpace, task: Task, addr: UserAddr, length: number, isOnFault: boolean): number => {
  if (!canLockAtAll(task)) return EPERM;
  const start = pageStart(addr);
  const end = start + roundedLength(length + (addr - start));
  if (end > 2 ** 64) return EINVAL;
  const limit = task.process.limits.get(RLIMIT_MEMLOCK).soft;
  if (!task.creds.has(CAP_IPC_LOCK)) {
    const wanted = (mm.lockedPages + (end - start) / PAGE_SIZE) * PAGE_SIZE;
    // What is locked already does not count twice.
    if (wanted > limit && wanted - lockedBytesIn(mm, start, end) > limit) return ENOMEM;
  }
  if (end === start) return 0;
  const error = setLock(mm, start, end, VM_LOCKED | (isOnFault ? VM_LOCKONFAULT : 0));
  if (error < 0 || isOnFault) return error;
  return populate(task, mm, start, end);
};

export const unlockMemory = (mm: AddressSpace, addr: UserAddr, length: number): number => {
  const start = pageStart(addr);
  const end = start + roundedLength(length + (addr - start));
  if (end > 2 ** 64) return EINVAL;
  return end === start ? 0 : setLock(mm, start, end, 0);
};

/** mlockall(2) */
export const lockAll = (mm: AddressSpace, task: Task, flags: number): number => {
  if (flags === 0 || flags === MCL_ONFAULT || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) !== 0) return EINVAL;
  if (!canLockAtAll(task)) return EPERM;
  const isCurrent = (flags & MCL_CURRENT) !== 0;
  const limit = task.process.limits.get(RLIMIT_MEMLOCK).soft;
  if (isCurrent && mm.totalPages * PAGE_SIZE > limit && !task.creds.has(CAP_IPC_LOCK)) return ENOMEM;
  const lock = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
  mm.futureLock = flags & MCL_FUTURE ? lock : 0;
  if (isCurrent) setAll(mm, lock);
  return 0;
};

/** munlockall(2) */
export const unlockAll = (mm: AddressSpace): number => {
  mm.futureLock = 0;
  setAll(mm, 0);
  return 0;
};

const setAll = (mm: AddressSpace, lock: number): void => {
  const { list } = mm.map;
  if (list.length > 0) mm.map.change(list[0].start, list[list.length - 1].end, { setFlags: lock, clearFlags: VM_LOCKED_MASK });
};

/** apply_vma_lock_flags(): the areas before a hole are changed all the same. */
const setLock = (mm: AddressSpace, start: UserAddr, end: UserAddr, lock: number): number => {
  const { map } = mm;
  let at = start;
  for (let i = map.indexFrom(start); at < end && i < map.list.length; i++) {
    const vma = map.list[i];
    if (vma.start > at || vma.isPlatform) break;
    at = Math.min(vma.end, end);
  }
  if (at > start) map.change(start, at, { setFlags: lock, clearFlags: VM_LOCKED_MASK });
  return at < end ? ENOMEM : 0;
};

/** mm_populate(): memory that cannot be touched cannot be locked. */
const populate = (task: Task, mm: AddressSpace, start: UserAddr, end: UserAddr): number => {
  const { ops } = task.thread;
  const areas = mm.map.overlapping(start, end);
  if (areas.some((vma) => vma.prot === 0)) return ENOMEM;
  const advise =
    (advice: number) =>
    (from: UserAddr, to: UserAddr): void =>
      ops.advise(from, to - from, advice);
  forEachRun(areas.filter(isWritten), start, end, advise(MADV_POPULATE_WRITE));
  forEachRun(
    areas.filter((vma) => !isWritten(vma)),
    start,
    end,
    advise(MADV_POPULATE_READ),
  );
  ops.onFailure = () => ENOMEM;
  return 0;
};

/** Private writable memory is populated by writing, so that no copy is due later. */
const isWritten = (vma: Vma): boolean => (vma.prot & PROT_WRITE) !== 0 && !vma.isShared;

const lockedBytesIn = (mm: AddressSpace, start: UserAddr, end: UserAddr): number => {
  let bytes = 0;
  for (const vma of mm.map.overlapping(start, end)) {
    if (vma.flags & VM_LOCKED) bytes += Math.min(vma.end, end) - Math.max(vma.start, start);
  }
  return bytes;
};
