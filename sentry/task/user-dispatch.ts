/** Calls that the program itself answers: PR_SET_SYSCALL_USER_DISPATCH (kernel/entry/syscall_user_dispatch.c). */
import { SIGSEGV, SIGSYS, SYS_USER_DISPATCH } from "../../syscall-tables/flags/signal.ts";
import { AUDIT_ARCH_X86_64 } from "../../syscall-tables/limits.ts";
import { EFAULT, EINVAL, isErrno } from "../abi/errno.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "../mm/user-memory.ts";
import { R_RIP } from "../platform/registers.ts";
import { forceSignal, kernelSignal } from "./signals.ts";
import type { Task } from "./task.ts";

const PR_SYS_DISPATCH_OFF = 0;
const PR_SYS_DISPATCH_EXCLUSIVE_ON = 1;
const PR_SYS_DISPATCH_INCLUSIVE_ON = 2;
const SYSCALL_DISPATCH_FILTER_ALLOW = 0;
const SYSCALL_DISPATCH_FILTER_BLOCK = 1;

export interface UserDispatch {
  /** Code from here to `end` makes its calls as ever, or with `isInclusive` it alone does not. */
  readonly start: number;
  readonly end: number;
  readonly isInclusive: boolean;
  /** The byte that says whether calls are let through now; 0: none is. */
  readonly selectorAddr: UserAddr;
}

export const setUserDispatch = (task: Task, mode: number, start: number, length: number, selectorAddr: UserAddr): number => {
  const wraps = length === 0 || start + length >= 2 ** 64;
  if (mode === PR_SYS_DISPATCH_OFF) {
    if (start !== 0 || length !== 0 || selectorAddr !== 0) return EINVAL;
    task.userDispatch = null;
    return 0;
  }
  if (mode === PR_SYS_DISPATCH_EXCLUSIVE_ON ? start !== 0 && wraps : mode !== PR_SYS_DISPATCH_INCLUSIVE_ON || wraps) return EINVAL;
  if (selectorAddr >= USER_ADDR_LIMIT) return EFAULT;
  task.userDispatch = { start, end: start + length, isInclusive: mode === PR_SYS_DISPATCH_INCLUSIVE_ON, selectorAddr };
  return 0;
};

/** True when the program gets SIGSYS, or its end, in place of the call. */
export const dispatchesToUser = (task: Task, { start, end, isInclusive, selectorAddr }: UserDispatch, nr: number): boolean => {
  const ip = task.thread.regs.get(R_RIP);
  if ((ip >= start && ip < end) !== isInclusive) return false;
  if (selectorAddr !== 0) {
    const bytes = task.memory.copyIn(selectorAddr, 1);
    if (isErrno(bytes)) {
      forceSignal(task, kernelSignal(SIGSEGV), true);
      return true;
    }
    if (bytes[0] === SYSCALL_DISPATCH_FILTER_ALLOW) return false;
    if (bytes[0] !== SYSCALL_DISPATCH_FILTER_BLOCK) {
      forceSignal(task, kernelSignal(SIGSYS), true);
      return true;
    }
  }
  forceSignal(task, { signal: SIGSYS, code: SYS_USER_DISPATCH, addr: ip, syscall: nr, arch: AUDIT_ARCH_X86_64 });
  return true;
};
