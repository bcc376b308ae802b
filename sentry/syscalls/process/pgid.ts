import { EACCES, EINVAL, EPERM, type Errno, ESRCH } from "../../abi/errno.ts";
import type { Process } from "../../task/process.ts";
import { ProcessGroup } from "../../task/process-group.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** Whose group setpgid(2) may change: the caller's own, or that of a child which has not called execve(2) yet. */
const checkTarget = (task: Task, target: Process): 0 | Errno => {
  const { process } = task;
  if (target.parent === process) {
    if (target.session !== process.session) return EPERM;
    if (target.hasExeced) return EACCES;
  } else if (target !== process) return ESRCH;
  return target.session.leader === target ? EPERM : 0;
};

/** setpgid(2) */
export const sys_setpgid = implement("setpgid", { level: "full" }, (task, pid, pgid) => {
  const namespace = task.pidNamespace;
  // Without a group of its own the call asks for the one named like the process.
  if (pgid < 0 || (pgid === 0 && pid < 0)) return EINVAL;
  const member = pid === 0 ? task.process.leader : namespace.task(pid);
  if (member === null) return ESRCH;
  if (!member.isLeader) return EINVAL;
  const target = member.process;
  const refused = checkTarget(task, target);
  if (refused !== 0) return refused;
  const targetPid = target.leader.pid;
  const wanted = pgid === 0 || pgid === targetPid.in(namespace) ? targetPid : namespace.pid(pgid);
  let group = wanted?.group ?? null;
  if (group !== null && group.session !== target.session) return EPERM;
  if (group === null) {
    if (wanted !== targetPid) return EPERM;
    group = new ProcessGroup(targetPid, target.session);
  }
  target.moveToGroup(group);
  return 0;
});

/** getpgid(2) */
export const sys_getpgid = implement("getpgid", { level: "full" }, (task, pid) => {
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  return target === null ? ESRCH : target.process.group.pid.in(task.pidNamespace);
});

/** getpgrp(2) */
export const sys_getpgrp = implement("getpgrp", { level: "full" }, (task) => task.process.group.pid.in(task.pidNamespace));
