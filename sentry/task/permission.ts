/** Who may act on whom: signals, priorities, inspection. */

import { SIGCONT } from "../../syscall-tables/flags/signal.ts";
import { CAP_KILL, CAP_SYS_PTRACE } from "../../syscall-tables/flags/system.ts";
import { EPERM, type Errno } from "../abi/errno.ts";

import { SCOPE_SIGNAL } from "../landlock/access.ts";
import type { Credentials } from "./credentials.ts";
import type { Task } from "./task.ts";

/** check_kill_permission: 0 or EPERM. */
export const maySignal = (sender: Task, target: Task, signal: number): 0 | Errno => {
  if (sender.process === target.process) return 0;
  return idsAllow(sender, target, signal) ? scopeAllows(sender.creds, target.creds) : EPERM;
};

/** hook_task_kill() of Landlock */
const scopeAllows = (from: Credentials, to: Credentials): 0 | Errno => (from.landlock?.keepsFrom(to.landlock, SCOPE_SIGNAL) ? EPERM : 0);

const idsAllow = (sender: Task, target: Task, signal: number): boolean => {
  const from = sender.creds;
  const to = target.creds;
  if (from.euid === to.suid || from.euid === to.uid || from.uid === to.suid || from.uid === to.uid) return true;
  if (from.hasIn(to.userNamespace, CAP_KILL)) return true;
  return signal === SIGCONT && sender.process.session === target.process.session;
};

/**
 * ptrace_may_access with real ids (PTRACE_MODE_ATTACH_REALCREDS) or, with `byFsIds`, with
 * file system ids (…_FSCREDS, what /proc asks).
 */
export const mayInspect = (inspector: Task, target: Task, byFsIds = false): boolean => {
  if (inspector.process === target.process) return true;
  const from = inspector.creds;
  const to = target.creds;
  // A sandbox of Landlock looks into itself and what is nested in it.
  if (from.landlock !== null && !from.landlock.contains(to.landlock)) return false;
  if (from.hasIn(to.userNamespace, CAP_SYS_PTRACE)) return true;
  const uid = byFsIds ? from.fsuid : from.uid;
  const gid = byFsIds ? from.fsgid : from.gid;
  if (uid !== to.euid || uid !== to.suid || uid !== to.uid) return false;
  if (gid !== to.egid || gid !== to.sgid || gid !== to.gid) return false;
  return target.process.dumpable === 1 && to.capPermitted.isSubsetOf(from.capPermitted);
};
