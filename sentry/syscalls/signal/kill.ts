import { INT_MIN } from "../../../syscall-tables/limits.ts";
import { EINVAL, EPERM, ESRCH } from "../../abi/errno.ts";
import { isValidSignal } from "../../abi/signal.ts";
import { maySignal } from "../../task/permission.ts";
import type { Process } from "../../task/process.ts";
import type { ProcessGroup } from "../../task/process-group.ts";
import { sendSignalToProcess, sendSignalToTask, threadSignal, userSignal } from "../../task/signals.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** `target` is the task that was named: permission is asked of it. */
const killProcess = (task: Task, target: Task, signal: number): number => {
  if (!isValidSignal(signal)) return EINVAL;
  const refused = maySignal(task, target, signal);
  if (refused !== 0 || signal === 0) return refused;
  return sendSignalToProcess(target.process, userSignal(signal, task, target));
};

/** __kill_pgrp_info: success for one is success. */
const killGroup = (task: Task, group: ProcessGroup | null, signal: number): number => {
  let result: number = ESRCH;
  let hasSucceeded = false;
  for (const process of group === null ? [] : [...group.members]) {
    result = killProcess(task, process.leader, signal);
    if (result === 0) hasSucceeded = true;
  }
  return hasSucceeded ? 0 : result;
};

/** kill(-1): everybody but the namespace's init and the caller. */
const killAll = (task: Task, signal: number): number => {
  const namespace = task.pidNamespace;
  let result = 0;
  let count = 0;
  const targets: Process[] = [...namespace.processes()];
  for (const process of targets) {
    if (process === task.process || process.leader.pid.in(namespace) <= 1) continue;
    const error = killProcess(task, process.leader, signal);
    count++;
    if (error !== EPERM) result = error;
  }
  return count === 0 ? ESRCH : result;
};

/** kill(2). The id of any thread names its process. */
export const sys_kill = implement("kill", { level: "full" }, (task, pid, signal) => {
  if (pid > 0) {
    const target = task.pidNamespace.task(pid);
    return target === null ? ESRCH : killProcess(task, target, signal);
  }
  if (pid === -1) return killAll(task, signal);
  if (pid === INT_MIN) return ESRCH;
  return killGroup(task, pid === 0 ? task.process.group : task.pidNamespace.group(-pid), signal);
});

const killThread = (task: Task, tgid: number, tid: number, signal: number): number => {
  const target = task.pidNamespace.task(tid);
  if (target === null || (tgid > 0 && target.process.leader.pid.in(task.pidNamespace) !== tgid)) return ESRCH;
  if (!isValidSignal(signal)) return EINVAL;
  const refused = maySignal(task, target, signal);
  if (refused !== 0 || signal === 0) return refused;
  return sendSignalToTask(target, threadSignal(signal, task, target));
};

/** tgkill(2) */
export const sys_tgkill = implement("tgkill", { level: "full" }, (task, tgid, tid, signal) =>
  tid <= 0 || tgid <= 0 ? EINVAL : killThread(task, tgid, tid, signal),
);

/** tkill(2) */
export const sys_tkill = implement("tkill", { level: "full" }, (task, tid, signal) =>
  tid <= 0 ? EINVAL : killThread(task, 0, tid, signal),
);
