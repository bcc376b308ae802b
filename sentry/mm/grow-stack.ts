/** Growth of MAP_GROWSDOWN areas and of a stack beyond what exec mapped (expand_downwards). */
import { RLIMIT_STACK } from "../../syscall-tables/flags/process.ts";
import { MAP_ANONYMOUS, MAP_NORESERVE, MAP_PRIVATE, PAGE_SIZE, pageStart } from "../abi/mman.ts";

import type { Task } from "../task/task.ts";
import type { AddressSpace } from "./address-space.ts";
import { MMAP_MIN_ADDR, STACK_GUARD_GAP } from "./layout.ts";
import { mayExpand, mayLock } from "./limits.ts";
import type { UserAddr } from "./user-memory.ts";
import { VM_GROWSDOWN, VM_LOCKED } from "./vma.ts";

/** A trap per page would make deep recursion slow: this much is mapped ahead where the limit allows. */
const STEP = 64 * PAGE_SIZE;

export const growStack = (mm: AddressSpace, task: Task, addr: UserAddr): boolean => {
  const { map } = mm;
  const index = map.indexFrom(addr);
  const vma = map.list[index];
  if (vma === undefined || vma.start <= addr || (vma.flags & VM_GROWSDOWN) === 0) return false;
  const limit = task.process.limits.get(RLIMIT_STACK).soft;
  const below = map.list[index - 1];
  const floor = Math.max(below === undefined ? MMAP_MIN_ADDR : below.end + (isGuarded(below.prot) ? STACK_GUARD_GAP : 0), MMAP_MIN_ADDR);
  const least = pageStart(addr);
  if (vma.end - least > limit || least < floor) return false;
  const start = Math.max(least - STEP, pageStart(Math.max(vma.end - limit + PAGE_SIZE - 1, 0)), floor);
  const pages = (vma.start - start) / PAGE_SIZE;
  if (!mayExpand(task.process.limits, mm, vma.prot, vma.flags, pages)) return false;
  if (vma.flags & VM_LOCKED && !mayLock(task, mm, pages)) return false;
  const oldStart = vma.start;
  const more = vma.piece(vma.start, vma.end);
  more.start = start;
  more.end = oldStart;
  map.insert(more);
  const { ops } = task.thread;
  ops.mapAnonymous(start, oldStart - start, vma.prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  // There is no call that could fail: without the memory the process dies, as Linux has it.
  ops.onFailure = null;
  return true;
};

/** The gap is kept above accessible memory only. */
const isGuarded = (prot: number): boolean => prot !== 0;
