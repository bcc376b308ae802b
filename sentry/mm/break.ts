/** brk(2) */
import { RLIMIT_DATA } from "../../syscall-tables/flags/process.ts";
import { MAP_ANONYMOUS, MAP_POPULATE, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE, pageAlign } from "../abi/mman.ts";

import type { Task } from "../task/task.ts";
import type { AddressSpace } from "./address-space.ts";
import { MAX_MAP_COUNT, STACK_GUARD_GAP } from "./layout.ts";
import { isOvercommit, mayExpand, mayLock } from "./limits.ts";
import { unmapRange } from "./unmap-memory.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "./user-memory.ts";
import { VM_GROWSDOWN, VM_LOCKED, VM_LOCKED_MASK, VM_MAY_ALL, Vma } from "./vma.ts";

const PROT_DATA = PROT_READ | PROT_WRITE;

export const setBreak = (mm: AddressSpace, task: Task, addr: UserAddr): number => {
  const old = mm.brk;
  if (addr < mm.brkStart || addr > USER_ADDR_LIMIT) return old;
  const dataLimit = task.process.limits.get(RLIMIT_DATA).soft;
  if (addr - mm.brkStart + (mm.dataEnd - mm.dataStart) > dataLimit) return old;
  const oldEnd = pageAlign(old);
  const newEnd = pageAlign(addr);
  if (newEnd > oldEnd) {
    if (!growBreak(mm, task, old, oldEnd, newEnd)) return old;
  } else if (newEnd < oldEnd) {
    const error = unmapRange(mm, task.thread, newEnd, oldEnd);
    if (error < 0) return old;
    task.thread.ops.onFailure = () => {
      mm.brk = old;
      return old;
    };
  }
  mm.brk = addr;
  return addr;
};

const growBreak = (mm: AddressSpace, task: Task, old: UserAddr, oldEnd: UserAddr, newEnd: UserAddr): boolean => {
  const { map } = mm;
  const next = map.findFrom(oldEnd);
  // One page stays free above the heap.
  if (next !== null && newEnd + PAGE_SIZE > (next.flags & VM_GROWSDOWN ? next.start - STACK_GUARD_GAP : next.start)) return false;
  if (mm.isBeingUnmapped(task.thread, oldEnd, newEnd)) return false;
  const pages = (newEnd - oldEnd) / PAGE_SIZE;
  const flags = VM_MAY_ALL | (mm.futureLock & VM_LOCKED_MASK);
  if (!mayExpand(task.process.limits, mm, PROT_DATA, flags, pages) || isOvercommit(PROT_DATA, flags, pages)) return false;
  if (map.count > MAX_MAP_COUNT || (flags & VM_LOCKED && !mayLock(task, mm, pages))) return false;
  map.insert(new Vma(oldEnd, newEnd, PROT_DATA, flags));
  const { ops } = task.thread;
  ops.mapAnonymous(oldEnd, newEnd - oldEnd, PROT_DATA, MAP_PRIVATE | MAP_ANONYMOUS | (flags & VM_LOCKED ? MAP_POPULATE : 0));
  ops.onFailure = () => {
    map.remove(oldEnd, newEnd);
    mm.brk = old;
    return old;
  };
  return true;
};
