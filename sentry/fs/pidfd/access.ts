/** What a pidfd lets its holder do to the process behind it. */

import { CAP_KILL, CAP_SYS_PTRACE } from "../../abi/capability.ts";
import { EPERM } from "../../abi/errno.ts";
import { SIGCONT } from "../../abi/signal.ts";
import type { Task } from "../../task/task.ts";

/** check_kill_permission(): 0 or EPERM. */
export const maySignal = (sender: Task, target: Task, signal: number): number => {
  if (sender.process === target.process) return 0;
  const from = sender.creds;
  const to = target.creds;
  if (from.euid === to.suid || from.euid === to.uid || from.uid === to.suid || from.uid === to.uid) return 0;
  if (from.hasIn(to.userNamespace, CAP_KILL)) return 0;
  return signal === SIGCONT && sender.process.session === target.process.session ? 0 : EPERM;
};

/** ptrace_may_access() with PTRACE_MODE_ATTACH_REALCREDS. */
export const mayInspect = (inspector: Task, target: Task): boolean => {
  if (inspector.process === target.process) return true;
  const from = inspector.creds;
  const to = target.creds;
  if (from.hasIn(to.userNamespace, CAP_SYS_PTRACE)) return true;
  const isSameUser = from.uid === to.euid && from.uid === to.suid && from.uid === to.uid;
  const isSameGroup = from.gid === to.egid && from.gid === to.sgid && from.gid === to.gid;
  return isSameUser && isSameGroup && target.process.dumpable === 1 && to.capPermitted.isSubsetOf(from.capPermitted);
};
