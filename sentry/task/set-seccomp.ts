/** Entering seccomp modes (kernel/seccomp.c seccomp_set_mode_filter, seccomp_sync_threads). */

import {
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
} from "../../syscall-tables/flags/prctl.ts";
import { CAP_SYS_ADMIN } from "../../syscall-tables/flags/system.ts";

import { EACCES, EBUSY, EFAULT, EINVAL, ENOMEM, ESRCH, isErrno } from "../abi/errno.ts";
import { SeccompListener } from "../fs/seccomp/listener.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import { BpfProgram } from "./bpf.ts";
import { SECCOMP_MODE_FILTER, SECCOMP_MODE_STRICT, SeccompFilters } from "./seccomp.ts";
import type { Task } from "./task.ts";

const KNOWN_FLAGS =
  SECCOMP_FILTER_FLAG_TSYNC |
  SECCOMP_FILTER_FLAG_LOG |
  SECCOMP_FILTER_FLAG_SPEC_ALLOW |
  SECCOMP_FILTER_FLAG_NEW_LISTENER |
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

const SOCK_FPROG_SIZE = 16;
const SOCK_FILTER_SIZE = 8;
const BPF_MAXINSNS = 4096;

export const setStrict = (task: Task): number => {
  if (task.seccomp !== null && task.seccomp.mode !== SECCOMP_MODE_STRICT) return EINVAL;
  task.seccomp ??= new SeccompFilters(null, null);
  return 0;
};

/** The first sibling whose filters are not among the caller's: it cannot be synchronised. */
const findDivergent = (task: Task): Task | null => {
  for (const sibling of task.process.tasks.values()) {
    if (sibling === task || sibling.seccomp === null) continue;
    const isAncestor = sibling.seccomp.mode === SECCOMP_MODE_FILTER && task.seccomp?.contains(sibling.seccomp) === true;
    if (!isAncestor) return sibling;
  }
  return null;
};

/** `addr` is a struct sock_fprog. */
export const setFilter = (task: Task, flags: number, addr: UserAddr): number => {
  if ((flags & ~KNOWN_FLAGS) !== 0) return EINVAL;
  const wantsListener = (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) !== 0;
  const isSynchronised = (flags & SECCOMP_FILTER_FLAG_TSYNC) !== 0;
  // Both would return a number: of a thread that is in the way, and of a file.
  if (wantsListener && isSynchronised && (flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) === 0) return EINVAL;
  if (!wantsListener && (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) !== 0) return EINVAL;
  const header = task.memory.viewIn(addr, SOCK_FPROG_SIZE);
  if (isErrno(header)) return EFAULT;
  const count = header.getUint16(0, true);
  const filterAddr = header.getUint32(8, true) + header.getUint32(12, true) * 2 ** 32;
  if (count === 0 || count > BPF_MAXINSNS) return EINVAL;
  if (!task.noNewPrivileges && !task.creds.hasIn(task.creds.userNamespace, CAP_SYS_ADMIN)) return EACCES;
  const view = task.memory.viewIn(filterAddr, count * SOCK_FILTER_SIZE);
  if (isErrno(view)) return EFAULT;
  const program = BpfProgram.parse(view, count);
  if (program === null) return EINVAL;
  if (task.seccomp !== null && task.seccomp.mode !== SECCOMP_MODE_FILTER) return EINVAL;
  if (wantsListener && task.seccomp?.hasListener()) return EBUSY;
  const listener = wantsListener ? new SeccompListener(task.kernel, (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) !== 0) : null;
  const filters = new SeccompFilters(program, task.seccomp, listener);
  if (filters.isTooLong) return ENOMEM;
  if (listener !== null && task.files.canInstall() < 0) return task.files.canInstall();
  if (isSynchronised) {
    const divergent = findDivergent(task);
    if (divergent !== null) return (flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) !== 0 ? ESRCH : divergent.pid.in(task.pidNamespace);
    for (const sibling of task.process.tasks.values()) {
      sibling.seccomp = filters;
      if (task.noNewPrivileges) sibling.noNewPrivileges = true;
    }
  }
  task.seccomp = filters;
  return listener === null ? 0 : task.files.install(listener, true);
};
