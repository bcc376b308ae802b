/** mremap(2) */
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM } from "../abi/errno.ts";
import { MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE, PAGE_SIZE, pageAlign } from "../abi/mman.ts";
import type { GuestThread } from "../platform/platform.ts";
import type { Task } from "../task/task.ts";
import type { AddressSpace } from "./address-space.ts";
import { MAX_MAP_COUNT, MMAP_MIN_ADDR, STACK_GUARD_GAP } from "./layout.ts";
import { isOvercommit, mayExpand, mayLock } from "./limits.ts";
import { unmapRange } from "./unmap-memory.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "./user-memory.ts";
import { isSharedWritable, VM_GROWSDOWN, VM_LOCKED, VM_LOCKED_MASK, VM_STACK_AREA, type Vma } from "./vma.ts";

const ALL_FLAGS = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

export const remapMemory = (
  mm: AddressSpace,
  task: Task,
  addr: UserAddr,
  oldLength: number,
  newLength: number,
  flags: number,
  newAddr: UserAddr,
): number => {
  const oldSize = pageAlign(oldLength);
  const newSize = pageAlign(newLength);
  const error = checkArguments(addr, oldSize, newSize, flags, newAddr);
  if (error < 0) return error;
  const vma = mm.map.find(addr);
  if (vma === null || vma.isPlatform) return EFAULT;
  if (vma.isSealed) return EPERM;
  // An old size of 0 makes a second mapping of the same pages; only shared ones have such.
  if (oldSize === 0 && !vma.isShared) return EINVAL;
  const isElsewhere = (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0;
  if (!isElsewhere && newSize === oldSize) return addr;
  if (!isElsewhere && newSize < oldSize) {
    const result = unmapRange(mm, task.thread, addr + newSize, addr + oldSize);
    return result < 0 ? result : addr;
  }
  if (Math.min(oldSize, newSize) > vma.end - addr || (newSize > oldSize && oldSize > vma.end - addr)) return EFAULT;
  if (newSize > oldSize || (flags & MREMAP_DONTUNMAP) !== 0) {
    const growth = (flags & MREMAP_DONTUNMAP ? newSize : newSize - oldSize) / PAGE_SIZE;
    if (vma.flags & VM_LOCKED && !mayLock(task, mm, growth)) return EAGAIN;
    if (!mayExpand(task.process.limits, mm, vma.prot, vma.flags, growth)) return ENOMEM;
    if (vma.isAnonymous && isOvercommit(vma.prot, vma.flags, growth)) return ENOMEM;
  }
  if (!isElsewhere && addr + oldSize === vma.end && oldSize > 0 && mayGrowInPlace(mm, task.thread, addr + oldSize, addr + newSize)) {
    return growInPlace(mm, task, vma, addr, oldSize, newSize);
  }
  if ((flags & MREMAP_MAYMOVE) === 0) return ENOMEM;
  return move(mm, task, vma, addr, oldSize, newSize, flags, newAddr);
};

const checkArguments = (addr: UserAddr, oldSize: number, newSize: number, flags: number, newAddr: UserAddr): number => {
  if ((flags & ~ALL_FLAGS) !== 0 || addr % PAGE_SIZE !== 0) return EINVAL;
  if (newSize === 0 || newSize > USER_ADDR_LIMIT) return EINVAL;
  const mayMove = (flags & MREMAP_MAYMOVE) !== 0;
  if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) === 0) return 0;
  if (!mayMove) return EINVAL;
  if ((flags & MREMAP_DONTUNMAP) !== 0 && oldSize !== newSize) return EINVAL;
  if ((flags & MREMAP_FIXED) === 0) return 0;
  if (newAddr % PAGE_SIZE !== 0 || newAddr > USER_ADDR_LIMIT - newSize) return EINVAL;
  if (addr + oldSize > newAddr && newAddr + newSize > addr) return EINVAL;
  return 0;
};

/** vma_expandable() */
const mayGrowInPlace = (mm: AddressSpace, thread: GuestThread, end: UserAddr, newEnd: UserAddr): boolean => {
  const next = mm.map.findFrom(end);
  if (newEnd > USER_ADDR_LIMIT || mm.isBeingUnmapped(thread, end, newEnd)) return false;
  return next === null || (next.flags & VM_GROWSDOWN ? next.start - STACK_GUARD_GAP : next.start) >= newEnd;
};

const growInPlace = (mm: AddressSpace, task: Task, vma: Vma, addr: UserAddr, oldSize: number, newSize: number): number => {
  const end = addr + oldSize;
  const newEnd = addr + newSize;
  const more = vma.piece(vma.start, vma.end);
  more.start = end;
  more.end = newEnd;
  if (!vma.isAnonymous) more.offset = vma.offset + vma.length;
  mm.map.insert(more);
  task.thread.ops.remap(addr, oldSize, addr, newSize, false);
  task.thread.ops.onFailure = (_index, error) => {
    mm.map.remove(end, newEnd);
    return error;
  };
  return addr;
};

const move = (
  mm: AddressSpace,
  task: Task,
  vma: Vma,
  addr: UserAddr,
  oldSize: number,
  newSize: number,
  flags: number,
  newAddr: UserAddr,
): number => {
  const { map } = mm;
  const { ops } = task.thread;
  const keepsOld = (flags & MREMAP_DONTUNMAP) !== 0;
  // A move may need three areas more: both halves of the old one and the new one.
  if (map.count >= MAX_MAP_COUNT - 3) return ENOMEM;
  let target = newAddr;
  if (flags & MREMAP_FIXED) {
    if (newAddr < MMAP_MIN_ADDR) return EPERM;
    const error = mm.mayReplace(newAddr, newAddr + newSize);
    if (error < 0) return error;
    map.remove(newAddr, newAddr + newSize);
  } else {
    const isWishFree = keepsOld && newAddr !== 0 && newAddr % PAGE_SIZE === 0 && map.isFree(newAddr, newAddr + newSize);
    if (!isWishFree || mm.isBeingUnmapped(task.thread, newAddr, newAddr + newSize)) target = mm.findPlace(task.thread, newSize, PAGE_SIZE);
    if (target < 0) return target;
  }
  // The host's mremap takes the new size from one area; what is to vanish goes first.
  const moved = Math.min(oldSize, newSize);
  if (moved < oldSize) {
    const error = unmapRange(mm, task.thread, addr + moved, addr + oldSize);
    if (error < 0) return error;
  }
  const source = map.find(addr) ?? vma;
  const old = source.slice(addr, addr + moved);
  const copy = source.piece(addr, addr + moved);
  copy.start = target;
  copy.end = target + newSize;
  copy.flags &= ~VM_STACK_AREA;
  if (keepsOld) map.change(addr, addr + moved, { clearFlags: VM_LOCKED_MASK });
  else if (moved > 0) map.remove(addr, addr + moved);
  map.insert(copy);
  ops.remap(addr, moved, target, newSize, keepsOld);
  if (!keepsOld && moved > 0) mm.noteUnmap(task.thread, addr, addr + moved);
  ops.onFailure = (_index, error) => {
    map.remove(target, target + newSize);
    if (keepsOld || moved === 0 || !map.isFree(addr, addr + moved)) return error;
    old.file?.takeMapping(isSharedWritable(old));
    map.insert(old);
    return error;
  };
  return target;
};
