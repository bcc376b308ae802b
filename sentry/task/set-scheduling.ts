/** Changing scheduling attributes (kernel/sched/syscalls.c __sched_setscheduler). */

import {
  RLIMIT_NICE,
  RLIMIT_RTPRIO,
  SCHED_BATCH,
  SCHED_DEADLINE,
  SCHED_FIFO,
  SCHED_IDLE,
  SCHED_NORMAL,
  SCHED_RR,
} from "../../syscall-tables/flags/process.ts";
import { CAP_SYS_NICE } from "../../syscall-tables/flags/system.ts";
import { EINVAL, EPERM, type Errno } from "../abi/errno.ts";

import type { Task } from "./task.ts";

export interface SchedulingChange {
  readonly policy: number;
  readonly priority: number;
  readonly nice: number;
  readonly isResetOnFork: boolean;
  readonly runtimeNs: number;
  readonly deadlineNs: number;
  readonly periodNs: number;
}

const POLICIES = [SCHED_NORMAL, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE, SCHED_DEADLINE];
const isFair = (policy: number): boolean => policy === SCHED_NORMAL || policy === SCHED_BATCH;
const isRealtime = (policy: number): boolean => policy === SCHED_FIFO || policy === SCHED_RR;

/** Same user, or privileged over the target. */
export const ownsOrPrivileged = (task: Task, target: Task): boolean => {
  const { euid } = task.creds;
  if (euid === target.creds.euid || euid === target.creds.uid) return true;
  return task.creds.hasIn(target.creds.userNamespace, CAP_SYS_NICE);
};

/** can_nice: RLIMIT_NICE counts 1 (nice 19) to 40 (nice -20). */
export const canNice = (task: Task, target: Task, nice: number): boolean =>
  20 - nice <= target.process.limits.get(RLIMIT_NICE).soft || task.creds.has(CAP_SYS_NICE);

/** user_check_sched_setscheduler: what an unprivileged caller may do. */
const isAllowed = (task: Task, target: Task, change: SchedulingChange): boolean => {
  const old = target.scheduling;
  const { euid } = task.creds;
  if (euid !== target.creds.euid && euid !== target.creds.uid) return false;
  const mayKeepNice = 20 - change.nice <= target.process.limits.get(RLIMIT_NICE).soft;
  if (isFair(change.policy) && change.nice < old.nice && !mayKeepNice) return false;
  if (isRealtime(change.policy)) {
    const limit = target.process.limits.get(RLIMIT_RTPRIO).soft;
    if (change.policy !== old.policy && limit === 0) return false;
    if (change.priority > old.priority && change.priority > limit) return false;
  }
  if (change.policy === SCHED_DEADLINE) return false;
  if (old.policy === SCHED_IDLE && change.policy !== SCHED_IDLE && 20 - old.nice > target.process.limits.get(RLIMIT_NICE).soft)
    return false;
  return !(old.isResetOnFork && !change.isResetOnFork);
};

export const setScheduling = (task: Task, target: Task, change: SchedulingChange): 0 | Errno => {
  const { policy, priority, runtimeNs, deadlineNs, periodNs } = change;
  if (!POLICIES.includes(policy)) return EINVAL;
  if (priority < 0 || priority > 99 || isRealtime(policy) !== (priority !== 0)) return EINVAL;
  if (policy === SCHED_DEADLINE) {
    // __checkparam_dl: at least 1024 ns, and runtime <= deadline <= period.
    const period = periodNs === 0 ? deadlineNs : periodNs;
    if (deadlineNs === 0 || runtimeNs < 1024 || deadlineNs < runtimeNs || period < deadlineNs) return EINVAL;
  }
  if (!task.creds.hasIn(target.creds.userNamespace, CAP_SYS_NICE) && !isAllowed(task, target, change)) return EPERM;
  const { scheduling } = target;
  scheduling.policy = policy;
  scheduling.priority = priority;
  scheduling.isResetOnFork = change.isResetOnFork;
  if (isFair(policy)) scheduling.nice = change.nice;
  scheduling.runtimeNs = runtimeNs;
  scheduling.deadlineNs = deadlineNs;
  scheduling.periodNs = periodNs;
  return 0;
};
