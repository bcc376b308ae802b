/** mmap(2): do_mmap() and mmap_region() */

import { MS_NOEXEC } from "../../syscall-tables/flags/mount.ts";
import { CAP_SYS_RAWIO } from "../../syscall-tables/flags/system.ts";
import { EACCES, EAGAIN, EEXIST, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM, type Errno, isErrno } from "../abi/errno.ts";
import {
  LEGACY_MAP_MASK,
  MADV_WIPEONFORK,
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_DROPPABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_TYPE,
  PAGE_SIZE,
  PROT_EXEC,
  PROT_READ,
  PROT_RWX,
  PROT_WRITE,
  pageAlign,
  pageStart,
} from "../abi/mman.ts";
import type { Task } from "../task/task.ts";

import { touchFileAtime } from "../vfs/atime.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import type { AddressSpace } from "./address-space.ts";
import type { FileMapping } from "./file-mapping.ts";
import { MAX_MAP_COUNT, MMAP_MIN_ADDR, STACK_GUARD_GAP } from "./layout.ts";
import { canLockAtAll, isOvercommit, mayExpand, mayLock } from "./limits.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "./user-memory.ts";
import {
  isSharedWritable,
  type SharedMemory,
  VM_DONTDUMP,
  VM_DROPPABLE,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAY_ALL,
  VM_MAYEXEC,
  VM_MAYWRITE,
  VM_NORESERVE,
  VM_SECRET,
  VM_SHARED,
  VM_WIPEONFORK,
  Vma,
} from "./vma.ts";

/** Large anonymous memory starts at a huge page, where the host can use one (thp_get_unmapped_area). */
const HUGE_PAGE_SIZE = 2 * 1024 * 1024;
/** MAX_LFS_FILESIZE + 1 */
const MAX_FILE_SIZE = 2 ** 63;
/** MAP_32BIT searches upwards in the second GiB. */
const LOW_FLOOR = 0x4000_0000;
const LOW_CEILING = 0x8000_0000;

/** What is to be mapped, once all is checked. */
interface Backing {
  file: FileMapping | null;
  /** The host's fd, or null for anonymous memory. */
  hostFd: number | null;
  shared: SharedMemory | null;
  vmFlags: number;
}

let lastSharedMemory = 0;
/** A new object of shared anonymous memory (shmem_zero_setup). */
export const newSharedMemory = (): SharedMemory => ({ ino: ++lastSharedMemory });

export const mapMemory = (
  mm: AddressSpace,
  task: Task,
  hint: UserAddr,
  length: number,
  prot: number,
  flags: number,
  file: OpenFile | null,
  offset: number,
): number => {
  if (length === 0) return EINVAL;
  const size = pageAlign(length);
  if (size > USER_ADDR_LIMIT) return ENOMEM;
  // The kernel sees the offset as unsigned pages.
  if (file !== null && (offset < 0 || offset + size >= MAX_FILE_SIZE)) return EOVERFLOW;
  if (mm.map.count > MAX_MAP_COUNT) return ENOMEM;
  const addr = choosePlace(mm, task, hint, size, flags, file !== null);
  if (addr < 0) return addr;
  let vmFlags = VM_MAY_ALL | mm.futureLock;
  if (flags & MAP_LOCKED) {
    if (!canLockAtAll(task)) return EPERM;
    vmFlags |= VM_LOCKED;
  }
  if (vmFlags & VM_LOCKED && !mayLock(task, mm, size / PAGE_SIZE)) return EAGAIN;
  if (flags & MAP_NORESERVE) vmFlags |= VM_NORESERVE;
  const backing = file === null ? anonymousBacking(flags, vmFlags) : fileBacking(task, file, prot, flags, vmFlags);
  if (isErrno(backing)) return backing;
  if (backing.vmFlags & VM_SECRET) {
    if (!mayLock(task, mm, size / PAGE_SIZE)) return EAGAIN;
    mm.hasSecrets = true;
  }
  const start = file === null ? 0 : (backing.file?.place?.(offset, size) ?? offset);
  if (start < 0) return start;
  return place(mm, task, addr, size, prot & PROT_RWX, flags, backing, start);
};

/** Maps `object` itself, for memory that no fd stands for. */
export const mapObject = (
  mm: AddressSpace,
  task: Task,
  hint: UserAddr,
  length: number,
  prot: number,
  flags: number,
  object: FileMapping,
  offset = 0,
): number => {
  const size = pageAlign(length);
  const addr = choosePlace(mm, task, hint, size, flags, true);
  if (addr < 0) return addr;
  let vmFlags = VM_MAY_ALL | mm.futureLock;
  if ((flags & MAP_TYPE) !== MAP_PRIVATE) vmFlags |= VM_SHARED;
  if (vmFlags & VM_LOCKED && !mayLock(task, mm, size / PAGE_SIZE)) return EAGAIN;
  const hostFd = object.hostFd((vmFlags & VM_SHARED) !== 0 && (prot & PROT_WRITE) !== 0);
  if (isErrno(hostFd)) return hostFd;
  if ((prot & PROT_WRITE) === 0 && vmFlags & VM_SHARED) vmFlags &= ~VM_MAYWRITE;
  return place(mm, task, addr, size, prot & PROT_RWX, flags, { file: object, hostFd, shared: null, vmFlags }, offset);
};

/** get_unmapped_area(): the address, or an errno. */
export const choosePlace = (mm: AddressSpace, task: Task, hint: UserAddr, size: number, flags: number, isFile: boolean): number => {
  const isFreeNow = (at: UserAddr): boolean => !mm.isBeingUnmapped(task.thread, at, at + size);
  if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
    if (hint > USER_ADDR_LIMIT - size) return ENOMEM;
    if (hint % PAGE_SIZE !== 0) return EINVAL;
    if (hint < MMAP_MIN_ADDR && !task.creds.has(CAP_SYS_RAWIO)) return EPERM;
    if (flags & MAP_FIXED_NOREPLACE && !(mm.map.isFree(hint, hint + size) && isFreeNow(hint))) return EEXIST;
    return hint;
  }
  let wish = pageStart(hint);
  if (wish !== 0 && wish < MMAP_MIN_ADDR) wish = MMAP_MIN_ADDR;
  const isLow = (flags & MAP_32BIT) !== 0;
  const limit = isLow ? LOW_CEILING : USER_ADDR_LIMIT;
  if (wish !== 0 && wish <= limit - size && isFreeWithGuard(mm, wish, wish + size) && isFreeNow(wish)) return wish;
  if (isLow) return mm.findPlaceAbove(task.thread, size, LOW_FLOOR, LOW_CEILING, PAGE_SIZE);
  if (!isFile && size % HUGE_PAGE_SIZE === 0) {
    const at = mm.findPlace(task.thread, size, HUGE_PAGE_SIZE);
    if (at >= 0) return at;
  }
  return mm.findPlace(task.thread, size, PAGE_SIZE);
};

const isFreeWithGuard = (mm: AddressSpace, start: UserAddr, end: UserAddr): boolean => {
  const next = mm.map.findFrom(start);
  return next === null || (next.flags & VM_GROWSDOWN ? next.start - STACK_GUARD_GAP : next.start) >= end;
};

const anonymousBacking = (flags: number, vmFlags: number): Backing | Errno => {
  switch (flags & MAP_TYPE) {
    case MAP_SHARED:
      if (flags & MAP_GROWSDOWN) return EINVAL;
      return { file: null, hostFd: null, shared: newSharedMemory(), vmFlags: vmFlags | VM_SHARED };
    case MAP_DROPPABLE:
      if (vmFlags & VM_LOCKED) vmFlags &= ~VM_LOCKED;
      if (flags & MAP_GROWSDOWN) return EINVAL;
      return { file: null, hostFd: null, shared: null, vmFlags: vmFlags | VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK };
    case MAP_PRIVATE:
      return { file: null, hostFd: null, shared: null, vmFlags: flags & MAP_GROWSDOWN ? vmFlags | VM_GROWSDOWN : vmFlags };
    default:
      return EINVAL;
  }
};

const fileBacking = (task: Task, file: OpenFile, prot: number, flags: number, vmFlags: number): Backing | Errno => {
  const type = flags & MAP_TYPE;
  if (type !== MAP_SHARED && type !== MAP_PRIVATE && type !== MAP_SHARED_VALIDATE) return EINVAL;
  const isShared = type !== MAP_PRIVATE;
  // Flags that MAP_SHARED ignores, such as MAP_SYNC, are refused when they are to be validated.
  if (type === MAP_SHARED_VALIDATE && (flags & ~LEGACY_MAP_MASK) !== 0) return EOPNOTSUPP;
  if (isShared) {
    if (prot & PROT_WRITE && !file.canWrite) return EACCES;
    vmFlags |= VM_SHARED;
    if (!file.canWrite) vmFlags &= ~VM_MAYWRITE;
  }
  if (!file.canRead) return EACCES;
  if (file.path !== null && (file.path.mount.flags & MS_NOEXEC) !== 0) {
    if (prot & PROT_EXEC) return EPERM;
    vmFlags &= ~VM_MAYEXEC;
  }
  const mapping = file.mapping(task);
  if (isErrno(mapping)) return mapping;
  if (flags & MAP_GROWSDOWN) return EINVAL;
  if (mapping.isSecret) {
    if (!isShared) return EINVAL;
    if (prot & PROT_EXEC) return EPERM;
    vmFlags = (vmFlags & ~VM_MAYEXEC) | VM_LOCKED | VM_DONTDUMP | VM_SECRET;
  }
  const isWritable = isShared && (vmFlags & VM_MAYWRITE) !== 0;
  let hostFd = mapping.hostFd(isWritable);
  // A write seal takes away VM_MAYWRITE and refuses only what would write at once.
  if (hostFd === EPERM && isWritable && (prot & PROT_WRITE) === 0) {
    vmFlags &= ~VM_MAYWRITE;
    hostFd = mapping.hostFd(false);
  }
  if (isErrno(hostFd)) return hostFd === EINVAL ? ENODEV : hostFd;
  touchFileAtime(file, task);
  // /dev/zero: shared memory of its own when shared, else plain memory with a name.
  if (hostFd === null && isShared) return { file: null, hostFd, shared: newSharedMemory(), vmFlags };
  return { file: mapping, hostFd, shared: null, vmFlags };
};

/** mmap_region(): makes room, enters the area and queues the host operation. */
const place = (
  mm: AddressSpace,
  task: Task,
  addr: UserAddr,
  size: number,
  prot: number,
  flags: number,
  backing: Backing,
  offset: number,
): number => {
  if (task.process.refusesExecGain && (prot & (PROT_WRITE | PROT_EXEC)) === (PROT_WRITE | PROT_EXEC)) return EACCES;
  const { map } = mm;
  const end = addr + size;
  const isFixed = !map.isFree(addr, end);
  if (isFixed) {
    const error = mm.mayReplace(addr, end);
    if (error < 0) return error;
  }
  const replaced = isFixed ? map.pagesIn(addr, end) : 0;
  if (!mayExpand(task.process.limits, mm, prot, backing.vmFlags, size / PAGE_SIZE - replaced)) return ENOMEM;
  const isAccounted = backing.hostFd === null || !(backing.vmFlags & VM_SHARED);
  if (isAccounted && isOvercommit(prot, backing.vmFlags, size / PAGE_SIZE)) return ENOMEM;
  const isAnonymous = backing.file === null && backing.shared === null;
  const vma = new Vma(addr, end, prot, backing.vmFlags, isAnonymous ? 0 : offset, backing.file, backing.shared);
  // Taken first: what is replaced may hold the last reference of the same file.
  backing.file?.takeMapping(isSharedWritable(vma));
  if (isFixed) map.remove(addr, end);
  map.insert(vma);
  queueMapping(task, addr, size, prot, flags, backing, offset);
  // What was there before is gone on the host, too, or will be replaced by the next mapping.
  task.thread.ops.onFailure = (_index, error) => {
    map.remove(addr, end);
    return error;
  };
  return addr;
};

const queueMapping = (task: Task, addr: UserAddr, size: number, prot: number, flags: number, backing: Backing, offset: number): void => {
  // Guest locks are counted, not held: the host's own limit is another one. Populating is what the guest can see of them.
  const isLocked = (backing.vmFlags & (VM_LOCKED | VM_LOCKONFAULT | VM_SECRET)) === VM_LOCKED;
  const populates = isLocked || (flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE;
  const hostFlags = (backing.vmFlags & VM_SHARED ? MAP_SHARED : MAP_PRIVATE) | (flags & MAP_NORESERVE) | (populates ? MAP_POPULATE : 0);
  if (backing.hostFd === null) task.thread.ops.mapAnonymous(addr, size, prot, hostFlags | MAP_ANONYMOUS);
  else task.thread.ops.mapFile(addr, size, prot, hostFlags, backing.hostFd, offset);
  // Droppable memory is plain memory that a child must find empty.
  if (backing.vmFlags & VM_DROPPABLE) task.thread.ops.advise(addr, size, MADV_WIPEONFORK);
};

/** Readable by any of the three bits, as x86 pages are: what `PROT_READ` checks of other calls mean. */
export const isAccessible = (prot: number): boolean => (prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) !== 0;
