/** mprotect(2): do_mprotect_pkey() */
import { EACCES, EINVAL, ENOMEM, EPERM } from "../abi/errno.ts";
import { PAGE_SIZE, PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_RWX, PROT_SEM, PROT_WRITE, pageAlign } from "../abi/mman.ts";
import type { Task } from "../task/task.ts";
import type { AddressSpace } from "./address-space.ts";
import { MAX_MAP_COUNT } from "./layout.ts";
import { mayExpand } from "./limits.ts";
import type { UserAddr } from "./user-memory.ts";
import { VM_GROWSDOWN, VM_MAYREAD, VM_SHARED, type Vma } from "./vma.ts";

const PROT_GROWS = PROT_GROWSDOWN | PROT_GROWSUP;

export const protectMemory = (mm: AddressSpace, task: Task, addr: UserAddr, length: number, wanted: number): number => {
  const grows = wanted & PROT_GROWS;
  if (grows === PROT_GROWS || addr % PAGE_SIZE !== 0) return EINVAL;
  if (length === 0) return 0;
  const end = addr + pageAlign(length);
  if (end > 2 ** 64) return ENOMEM;
  if ((wanted & ~(PROT_GROWS | PROT_RWX | PROT_SEM)) !== 0) return EINVAL;
  const first = mm.map.findFrom(addr);
  if (first === null) return ENOMEM;
  let start = addr;
  if (grows === PROT_GROWSDOWN) {
    if (first.start >= end) return ENOMEM;
    if ((first.flags & VM_GROWSDOWN) === 0) return EINVAL;
    start = first.start;
  } else {
    if (first.start > addr) return ENOMEM;
    if (grows === PROT_GROWSUP) return EINVAL;
  }
  return protectRange(mm, task, start, end, wanted & PROT_RWX);
};

const protectRange = (mm: AddressSpace, task: Task, start: UserAddr, end: UserAddr, prot: number): number => {
  const { map } = mm;
  const { ops } = task.thread;
  const undo: { start: UserAddr; end: UserAddr; prot: number }[] = [];
  let error = 0;
  let at = start;
  // What lies before the first refused area is changed all the same.
  for (let i = map.indexFrom(start); at < end; i++) {
    const vma = map.list[i];
    if (vma === undefined || vma.start > at) {
      error = ENOMEM;
      break;
    }
    const stop = Math.min(vma.end, end);
    error = mayProtect(mm, task, vma, at, stop, prot);
    if (error < 0) break;
    if (vma.prot !== prot) undo.push({ start: at, end: stop, prot: vma.prot });
    at = stop;
  }
  if (undo.length === 0) return error;
  map.change(start, at, { prot });
  ops.protect(start, at - start, prot);
  ops.onFailure = (_index, hostError) => {
    for (const old of undo) map.change(old.start, old.end, { prot: old.prot });
    return hostError;
  };
  return error;
};

/** mprotect_fixup(): 0, or why [start, stop) of `vma` cannot have `prot`. */
const mayProtect = (mm: AddressSpace, task: Task, vma: Vma, start: UserAddr, stop: UserAddr, prot: number): number => {
  if (vma.isPlatform) return vma.name === "" ? ENOMEM : EACCES;
  // VM_MAYREAD, VM_MAYWRITE and VM_MAYEXEC lie in the order of PROT_*.
  if ((prot & ~(vma.flags / VM_MAYREAD)) !== 0) return EACCES;
  // map_deny_write_exec()
  if (task.process.refusesExecGain && (prot & PROT_EXEC) !== 0 && ((prot & PROT_WRITE) !== 0 || (vma.prot & PROT_EXEC) === 0))
    return EACCES;
  if (vma.isSealed) return EPERM;
  if (vma.prot === prot) return 0;
  const becomesData = (prot & PROT_WRITE) !== 0 && (vma.prot & PROT_WRITE) === 0 && (vma.flags & VM_SHARED) === 0;
  const pages = (stop - start) / PAGE_SIZE;
  if (
    becomesData &&
    !mayExpand(task.process.limits, mm, prot, vma.flags, pages) &&
    mayExpand(task.process.limits, mm, vma.prot, vma.flags, pages)
  )
    return ENOMEM;
  if (mm.map.count + mm.map.splitsFor(start, stop) > MAX_MAP_COUNT) return ENOMEM;
  return 0;
};
