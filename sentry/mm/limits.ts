/** What stops an address space from growing: rlimits, map count, overcommit. */

import { totalmem } from "node:os";
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK } from "../../syscall-tables/flags/process.ts";
import { CAP_IPC_LOCK } from "../../syscall-tables/flags/system.ts";

import { PAGE_SIZE, PROT_WRITE } from "../abi/mman.ts";

import type { Limits } from "../task/limits.ts";
import type { Task } from "../task/task.ts";
import type { AddressSpace } from "./address-space.ts";
import { VM_GROWSDOWN, VM_NORESERVE, VM_SHARED } from "./vma.ts";

/** Read once, while /proc is still there. */
const totalRamPages = Math.floor(totalmem() / PAGE_SIZE);

const isData = (prot: number, flags: number): boolean => (prot & PROT_WRITE) !== 0 && (flags & (VM_SHARED | VM_GROWSDOWN)) === 0;

/** may_expand_vm(): `pages` more of such memory within RLIMIT_AS and RLIMIT_DATA. */
export const mayExpand = (limits: Limits, mm: AddressSpace, prot: number, flags: number, pages: number): boolean => {
  if ((mm.totalPages + pages) * PAGE_SIZE > limits.get(RLIMIT_AS).soft) return false;
  return !isData(prot, flags) || (mm.dataPages + pages) * PAGE_SIZE <= limits.get(RLIMIT_DATA).soft;
};

/** mlock_future_ok(): `pages` more locked memory within RLIMIT_MEMLOCK. */
export const mayLock = (task: Task, mm: AddressSpace, pages: number): boolean =>
  (mm.lockedPages + pages) * PAGE_SIZE <= task.process.limits.get(RLIMIT_MEMLOCK).soft || task.creds.has(CAP_IPC_LOCK);

/** can_do_mlock() */
export const canLockAtAll = (task: Task): boolean => task.process.limits.get(RLIMIT_MEMLOCK).soft > 0 || task.creds.has(CAP_IPC_LOCK);

/** Heuristic overcommit (vm.overcommit_memory 0): only a single obvious excess is refused. */
export const isOvercommit = (prot: number, flags: number, pages: number): boolean =>
  (prot & PROT_WRITE) !== 0 && (flags & VM_NORESERVE) === 0 && pages > totalRamPages;
