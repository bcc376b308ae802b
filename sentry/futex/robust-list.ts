/** Robust futexes of a dying thread (kernel/futex/core.c exit_robust_list, handle_futex_death). */
import { FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS } from "../../syscall-tables/flags/time.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import type { Task } from "../task/task.ts";
import { wakeFutex } from "./futex.ts";

/** A list longer than this, or a ring, is given up. */
const ROBUST_LIST_LIMIT = 2048;

/** Marks the word as the dead owner's and wakes one waiter. False: stop the walk. */
const release = (task: Task, addr: UserAddr, isPi: boolean, isPending: boolean): boolean => {
  if (addr % 4 !== 0) return false;
  const { memory } = task.thread.process;
  const word = memory.loadU32(addr);
  if (word < 0) return false;
  const owner = word & FUTEX_TID_MASK;
  // Died between unlocking and waking: the wake-up would be lost.
  if (isPending && !isPi && owner === 0) {
    wakeFutex(task, addr, 1);
    return true;
  }
  if (owner !== task.pid.in(task.pidNamespace)) return true;
  if (memory.storeU32(addr, ((word & FUTEX_WAITERS) | FUTEX_OWNER_DIED) >>> 0) < 0) return false;
  if (!isPi && (word & FUTEX_WAITERS) !== 0) wakeFutex(task, addr, 1);
  return true;
};

/** `head` is a struct robust_list_head: next, futex_offset, list_op_pending. Bit 0 of a link marks a PI futex. */
export const releaseRobustList = (task: Task, head: UserAddr): void => {
  const { memory } = task.thread.process;
  const bytes = memory.viewIn(head, 24);
  if (typeof bytes === "number") return;
  const pointer = (at: number): number => bytes.getUint32(at, true) + bytes.getUint32(at + 4, true) * 2 ** 32;
  const offset = bytes.getUint32(8, true) + bytes.getInt32(12, true) * 2 ** 32;
  const pendingLink = pointer(16);
  const pending = pendingLink - (pendingLink % 2);
  let link = pointer(0);
  for (let i = 0; i < ROBUST_LIST_LIMIT; i++) {
    const entry = link - (link % 2);
    if (entry === head) break;
    const next = memory.loadU64(entry);
    if (entry !== pending && !release(task, entry + offset, link % 2 === 1, false)) return;
    if (next < 0) return;
    link = next;
  }
  if (pending !== 0) release(task, pending + offset, pendingLink % 2 === 1, true);
};
