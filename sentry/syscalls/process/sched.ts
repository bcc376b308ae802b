import {
  SCHED_BATCH,
  SCHED_DEADLINE,
  SCHED_EXT,
  SCHED_FIFO,
  SCHED_IDLE,
  SCHED_NORMAL,
  SCHED_RESET_ON_FORK,
  SCHED_RR,
} from "../../../syscall-tables/flags/process.ts";
import { EFAULT, EINVAL, ESRCH } from "../../abi/errno.ts";

import { type SchedulingChange, setScheduling } from "../../task/set-scheduling.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { writeTimespec } from "../time/timespec.ts";

/** sched_rr_timeslice */
const RR_SLICE_NS = 100_000_000;

const find = (task: Task, pid: number): Task | null => (pid === 0 ? task : task.pidNamespace.task(pid));

const setPolicy = (task: Task, pid: number, policy: number | null, paramAddr: number): number => {
  if (pid < 0 || paramAddr === 0) return EINVAL;
  const priority = task.memory.loadU32(paramAddr);
  if (priority < 0) return EFAULT;
  const target = find(task, pid);
  if (target === null) return ESRCH;
  const { scheduling } = target;
  const change: SchedulingChange = {
    policy: policy === null ? scheduling.policy : policy & ~SCHED_RESET_ON_FORK,
    priority: priority | 0,
    nice: scheduling.nice,
    isResetOnFork: policy === null ? scheduling.isResetOnFork : (policy & SCHED_RESET_ON_FORK) !== 0,
    runtimeNs: 0,
    deadlineNs: 0,
    periodNs: 0,
  };
  return setScheduling(task, target, change);
};

/** sched_yield(2): the host's scheduler decides anyhow. */
export const sys_sched_yield = implement("sched_yield", { level: "full" }, () => 0);

/** sched_setscheduler(2) */
export const sys_sched_setscheduler = implement("sched_setscheduler", { level: "full" }, (task, pid, policy, paramAddr) =>
  policy < 0 ? EINVAL : setPolicy(task, pid, policy, paramAddr),
);

/** sched_setparam(2) */
export const sys_sched_setparam = implement("sched_setparam", { level: "full" }, (task, pid, paramAddr) =>
  setPolicy(task, pid, null, paramAddr),
);

/** sched_getscheduler(2) */
export const sys_sched_getscheduler = implement("sched_getscheduler", { level: "full" }, (task, pid) => {
  if (pid < 0) return EINVAL;
  const target = find(task, pid);
  if (target === null) return ESRCH;
  return target.scheduling.policy | (target.scheduling.isResetOnFork ? SCHED_RESET_ON_FORK : 0);
});

/** sched_getparam(2) */
export const sys_sched_getparam = implement("sched_getparam", { level: "full" }, (task, pid, paramAddr) => {
  if (pid < 0 || paramAddr === 0) return EINVAL;
  const target = find(task, pid);
  return target === null ? ESRCH : task.memory.storeU32(paramAddr, target.scheduling.priority);
});

const priorityLimit = (policy: number, realtime: number): number => {
  switch (policy) {
    case SCHED_FIFO:
    case SCHED_RR:
      return realtime;
    case SCHED_NORMAL:
    case SCHED_BATCH:
    case SCHED_IDLE:
    case SCHED_DEADLINE:
    case SCHED_EXT:
      return 0;
    default:
      return EINVAL;
  }
};

/** sched_get_priority_max(2) */
export const sys_sched_get_priority_max = implement("sched_get_priority_max", { level: "full" }, (_task, policy) =>
  priorityLimit(policy, 99),
);

/** sched_get_priority_min(2) */
export const sys_sched_get_priority_min = implement("sched_get_priority_min", { level: "full" }, (_task, policy) =>
  priorityLimit(policy, 1),
);

/** sched_rr_get_interval(2) */
export const sys_sched_rr_get_interval = implement("sched_rr_get_interval", { level: "full" }, (task, pid, addr) => {
  if (pid < 0) return EINVAL;
  const target = find(task, pid);
  if (target === null) return ESRCH;
  return writeTimespec(task, addr, 0, target.scheduling.policy === SCHED_RR ? RR_SLICE_NS : 0);
});
