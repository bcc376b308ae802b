/** What a tracer sees and changes of a stopped task's signals. */
import { TWO_32 } from "../../syscall-tables/limits.ts";
import { EFAULT, EINVAL, type Errno, isErrno } from "../abi/errno.ts";
import { SIGINFO_SIZE } from "../abi/signal.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import { packSignalInfo } from "../task/signal-info.ts";
import type { Task } from "../task/task.ts";

const PEEKSIGINFO_SHARED = 1;
const PEEK_ARGUMENTS_SIZE = 16;
const SIGSET_SIZE = 8;

export const getSignalInfo = (task: Task, tracee: Task, addr: UserAddr): number => {
  const info = tracee.trace?.stop?.info ?? null;
  return info === null ? EINVAL : task.memory.copyOut(addr, packSignalInfo(info));
};

export const setSignalInfo = (task: Task, tracee: Task, addr: UserAddr): number => {
  const stop = tracee.trace?.stop ?? null;
  if (stop === null || stop.info === null) return EINVAL;
  const raw = task.memory.copyIn(addr, SIGINFO_SIZE);
  if (isErrno(raw)) return EFAULT;
  const view = new DataView(raw.buffer);
  stop.info = { signal: view.getInt32(0, true), code: view.getInt32(8, true), raw };
  return 0;
};

/** PTRACE_PEEKSIGINFO: how many were copied. */
export const peekSignals = (task: Task, tracee: Task, argumentsAddr: UserAddr, addr: UserAddr): number => {
  const view = task.memory.viewIn(argumentsAddr, PEEK_ARGUMENTS_SIZE);
  if (isErrno(view)) return EFAULT;
  const offset = view.getUint32(0, true) + view.getUint32(4, true) * TWO_32;
  const flags = view.getUint32(8, true);
  const count = view.getInt32(12, true);
  if ((flags & ~PEEKSIGINFO_SHARED) !== 0 || count < 0) return EINVAL;
  const queue = (flags & PEEKSIGINFO_SHARED) !== 0 ? tracee.process.pending : tracee.signals.pending;
  const infos = queue.queued.slice(offset, offset + count);
  for (let i = 0; i < infos.length; i++) {
    if (task.memory.copyOut(addr + i * SIGINFO_SIZE, packSignalInfo(infos[i])) < 0) return i > 0 ? i : EFAULT;
  }
  return infos.length;
};

const isSigsetSize = (size: number): 0 | Errno => (size === SIGSET_SIZE ? 0 : EINVAL);

export const getSignalMask = (task: Task, tracee: Task, size: number, addr: UserAddr): number => {
  if (isSigsetSize(size) < 0) return EINVAL;
  const bytes = new Uint8Array(SIGSET_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, tracee.signals.frameMaskLo, true);
  view.setUint32(4, tracee.signals.frameMaskHi, true);
  return task.memory.copyOut(addr, bytes);
};

/** The task looks at its signals again when it goes on. */
export const setSignalMask = (task: Task, tracee: Task, size: number, addr: UserAddr): number => {
  if (isSigsetSize(size) < 0) return EINVAL;
  const view = task.memory.viewIn(addr, SIGSET_SIZE);
  if (isErrno(view)) return EFAULT;
  tracee.signals.hasSavedMask = false;
  tracee.signals.setMask(view.getUint32(0, true), view.getUint32(4, true));
  return 0;
};
