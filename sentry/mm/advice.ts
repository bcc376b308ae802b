/** madvise(2) and process_madvise(2). Most advice is the host's business; what changes an area's nature is kept here too. */
import { EACCES, EINVAL, ENOMEM, EPERM } from "../abi/errno.ts";
import {
  MADV_COLD,
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_HUGEPAGE,
  MADV_KEEPONFORK,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_UNMERGEABLE,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
  PAGE_SIZE,
  PROT_WRITE,
  pageAlign,
} from "../abi/mman.ts";
import type { GuestThread } from "../platform/platform.ts";
import type { AddressSpace } from "./address-space.ts";
import { forEachRun, reportError } from "./unmap-memory.ts";
import type { UserAddr } from "./user-memory.ts";
import {
  isSharedWritable,
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DROPPABLE,
  VM_HUGEPAGE,
  VM_LOCKED,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_WIPEONFORK,
  type Vma,
} from "./vma.ts";

interface AdviceRule {
  readonly set?: number;
  readonly clear?: number;
  /** What the host is told; absent: nothing. */
  readonly host?: number;
  /** 0, or why this area cannot have it. */
  readonly check?: (vma: Vma) => number;
  /** It throws away contents: refused on sealed memory that may not be written. */
  readonly isDiscard?: boolean;
}

const unlocked = (vma: Vma): number => (vma.flags & VM_LOCKED ? EINVAL : 0);

const mayRemove = (vma: Vma): number => {
  if (vma.flags & VM_LOCKED || vma.isAnonymous) return EINVAL;
  return isSharedWritable(vma) ? 0 : EACCES;
};

/**
 * By advice; absent: EINVAL, as for MADV_GUARD_* on kernels before 6.13: libraries fall back
 * to mprotect(2). Locks are only counted in this kernel, so that discarding
 * locked pages is plain discarding for the host.
 */
const rules: { readonly [advice: number]: AdviceRule | undefined } = {
  [MADV_NORMAL]: { clear: VM_RAND_READ | VM_SEQ_READ, host: MADV_NORMAL },
  [MADV_RANDOM]: { set: VM_RAND_READ, clear: VM_SEQ_READ, host: MADV_RANDOM },
  [MADV_SEQUENTIAL]: { set: VM_SEQ_READ, clear: VM_RAND_READ, host: MADV_SEQUENTIAL },
  [MADV_WILLNEED]: { host: MADV_WILLNEED },
  [MADV_DONTNEED]: { host: MADV_DONTNEED, check: unlocked, isDiscard: true },
  [MADV_DONTNEED_LOCKED]: { host: MADV_DONTNEED, isDiscard: true },
  [MADV_FREE]: { host: MADV_FREE, check: (vma) => (vma.isAnonymous ? unlocked(vma) : EINVAL), isDiscard: true },
  [MADV_REMOVE]: { host: MADV_REMOVE, check: mayRemove, isDiscard: true },
  [MADV_DONTFORK]: { set: VM_DONTCOPY, host: MADV_DONTFORK, isDiscard: true },
  [MADV_DOFORK]: { clear: VM_DONTCOPY, host: MADV_DOFORK },
  [MADV_WIPEONFORK]: { set: VM_WIPEONFORK, host: MADV_WIPEONFORK, check: (vma) => (vma.isAnonymous ? 0 : EINVAL), isDiscard: true },
  [MADV_KEEPONFORK]: { clear: VM_WIPEONFORK, host: MADV_KEEPONFORK, check: (vma) => (vma.flags & VM_DROPPABLE ? EINVAL : 0) },
  [MADV_DONTDUMP]: { set: VM_DONTDUMP },
  [MADV_DODUMP]: { clear: VM_DONTDUMP, check: (vma) => (vma.flags & VM_DROPPABLE ? EINVAL : 0) },
  [MADV_MERGEABLE]: { set: VM_MERGEABLE },
  [MADV_UNMERGEABLE]: { clear: VM_MERGEABLE },
  [MADV_HUGEPAGE]: { set: VM_HUGEPAGE, clear: VM_NOHUGEPAGE, host: MADV_HUGEPAGE },
  [MADV_NOHUGEPAGE]: { set: VM_NOHUGEPAGE, clear: VM_HUGEPAGE, host: MADV_NOHUGEPAGE },
  [MADV_COLD]: { check: unlocked },
  [MADV_PAGEOUT]: { check: unlocked },
  [MADV_POPULATE_READ]: { host: MADV_POPULATE_READ },
  [MADV_POPULATE_WRITE]: { host: MADV_POPULATE_WRITE },
};

/** Every advice that `ops.advise` may be asked for: what the platform's filter has to let through. */
export const HOST_ADVICE: readonly number[] = [
  ...new Set(Object.values(rules).flatMap((rule) => (rule?.host === undefined ? [] : [rule.host]))),
];

export const isKnownAdvice = (advice: number): boolean => rules[advice] !== undefined;

/** do_madvise(): `thread` is one of the address space that `mm` describes. */
export const adviseMemory = (mm: AddressSpace, thread: GuestThread, start: UserAddr, length: number, advice: number): number => {
  const rule = rules[advice];
  if (rule === undefined || start % PAGE_SIZE !== 0) return EINVAL;
  const end = start + pageAlign(length);
  if (end > 2 ** 64) return EINVAL;
  if (end === start) return 0;
  let result = 0;
  let at = start;
  const areas = mm.map.overlapping(start, end);
  // Holes do not stop the advice, they show in its result; a refusal does, behind what came before it.
  let accepted = 0;
  for (; accepted < areas.length; accepted++) {
    const vma = areas[accepted];
    if (vma.isPlatform) continue;
    const error = checkArea(rule, vma);
    if (error < 0) {
      result = error;
      break;
    }
    if (Math.max(vma.start, start) > at) result = ENOMEM;
    at = Math.min(vma.end, end);
  }
  if (at < end && result === 0) result = ENOMEM;
  if (accepted === 0) return result;
  const { host } = rule;
  if (host !== undefined) {
    forEachRun(areas.slice(0, accepted), start, end, (from, to) => thread.ops.advise(from, to - from, host));
    thread.ops.onFailure = reportError;
  }
  if (rule.set !== undefined || rule.clear !== undefined) {
    mm.map.change(start, at, { setFlags: rule.set ?? 0, clearFlags: rule.clear ?? 0 });
  }
  return result;
};

const checkArea = (rule: AdviceRule, vma: Vma): number => {
  if (rule.isDiscard === true && vma.isSealed && vma.isAnonymous && (vma.prot & PROT_WRITE) === 0) return EPERM;
  return rule.check?.(vma) ?? 0;
};
