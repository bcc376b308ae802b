/** Who may act on whom: signals, priorities, inspection. */

import { SIGCONT } from "../../syscall-tables/flags/signal.ts";
import { CAP_KILL, CAP_SYS_PTRACE } from "../../syscall-tables/flags/system.ts";
import { EPERM, type Errno } from "../abi/errno.ts";

import type { Task } from "./task.ts";

/** check_kill_permission: 0 or EPERM. */
export const maySignal = (sender: Task, target: Task, signal: number): 0 | Errno => {
  if (sender.process === target.process) return 0;
  const from = sender.creds;
  const to = target.creds;
  if (from.euid === to.suid || from.euid === to.uid || from.uid === to.suid || from.uid === to.uid) return 0;
  if (from.hasIn(to.userNamespace, CAP_KILL)) return 0;
  return signal === SIGCONT && sender.process.session === target.process.session ? 0 : EPERM;
};

/**
 * ptrace_may_access with real ids (PTRACE_MODE_ATTACH_REALCREDS) or, with `byFsIds`, with
 * file system ids (…_FSCREDS, what /proc asks).
 */
export const mayInspect = (inspector: Task, target: Task, byFsIds = false): boolean => {
  if (inspector.process === target.process) return true;
  const from = inspector.creds;
  const to = target.creds;
  if (from.hasIn(to.userNamespace, CAP_SYS_PTRACE)) return true;
  const uid = byFsIds ? from.fsuid : from.uid;
  const gid = byFsIds ? from.fsgid : from.gid;
  if (uid !== to.euid || uid !== to.suid || uid !== to.uid) return false;
  if (gid !== to.egid || gid !== to.sgid || gid !== to.gid) return false;
  return target.process.dumpable === 1 && to.capPermitted.isSubsetOf(from.capPermitted);
};
