/** PTRACE_GET_SYSCALL_INFO (kernel/ptrace.c ptrace_get_syscall_info). */

import { SIGTRAP } from "../../syscall-tables/flags/signal.ts";
import { AUDIT_ARCH_X86_64, MAX_ERRNO } from "../../syscall-tables/limits.ts";
import { R_R8, R_R9, R_R10, R_RAX, R_RDI, R_RDX, R_RIP, R_RSI, R_RSP } from "../platform/registers.ts";
import type { Task } from "../task/task.ts";
import { EVENTMSG_SYSCALL_EXIT } from "./stop.ts";
import { PTRACE_EVENT_SECCOMP } from "./trace.ts";

const INFO_NONE = 0;
const INFO_ENTRY = 1;
const INFO_EXIT = 2;
const INFO_SECCOMP = 3;
const SYSCALL_CODE = SIGTRAP | 0x80;
/** struct ptrace_syscall_info, and what each kind fills of it. */
const SIZE = 88;
const FILLED = [24, 80, 33, 84];
const ARGUMENTS = [R_RDI, R_RSI, R_RDX, R_R10, R_R8, R_R9];

const kindOf = (task: Task): number => {
  const { trace } = task;
  const code = trace?.stop?.info?.code;
  if (trace === null || code === undefined) return INFO_NONE;
  if (code === SYSCALL_CODE) return trace.eventMessage === EVENTMSG_SYSCALL_EXIT ? INFO_EXIT : INFO_ENTRY;
  return code === (SIGTRAP | (PTRACE_EVENT_SECCOMP << 8)) ? INFO_SECCOMP : INFO_NONE;
};

/** The bytes that are filled; a caller's shorter buffer gets a part of them. */
export const syscallInfo = (task: Task): Uint8Array => {
  const { regs } = task.thread;
  const bytes = new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer);
  const put = (at: number, register: number): void => {
    view.setUint32(at, regs.getLo(register), true);
    view.setUint32(at + 4, regs.getHi(register), true);
  };
  const kind = kindOf(task);
  view.setUint8(0, kind);
  view.setUint32(4, AUDIT_ARCH_X86_64, true);
  put(8, R_RIP);
  put(16, R_RSP);
  if (kind === INFO_EXIT) {
    put(24, R_RAX);
    const isError = regs.getHi(R_RAX) === 0xffff_ffff && regs.getLo(R_RAX) >= 2 ** 32 - MAX_ERRNO;
    view.setUint8(32, isError ? 1 : 0);
  } else if (kind !== INFO_NONE) {
    view.setInt32(24, regs.syscallNumber, true);
    view.setInt32(28, regs.syscallNumber < 0 ? -1 : 0, true);
    ARGUMENTS.forEach((register, index) => {
      put(32 + index * 8, register);
    });
    if (kind === INFO_SECCOMP) view.setUint32(80, task.trace?.eventMessage ?? 0, true);
  }
  return bytes.subarray(0, FILLED[kind]);
};
