import { PRIO_PGRP, PRIO_PROCESS, PRIO_USER } from "../../../syscall-tables/flags/process.ts";
import { CAP_SYS_ADMIN, CAP_SYS_NICE } from "../../../syscall-tables/flags/system.ts";
import { EACCES, EINVAL, EPERM, ESRCH } from "../../abi/errno.ts";

import { canNice } from "../../task/set-scheduling.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** The tasks that `which` and `who` name. */
const select = (task: Task, which: number, who: number): Task[] => {
  const namespace = task.pidNamespace;
  if (which === PRIO_PROCESS) {
    const target = who === 0 ? task : namespace.task(who);
    return target === null ? [] : [target];
  }
  const tasks: Task[] = [];
  if (which === PRIO_PGRP) {
    const group = who === 0 ? task.process.group : namespace.group(who);
    for (const process of group?.members ?? []) tasks.push(...process.tasks.values());
    return tasks;
  }
  const uid = who === 0 ? task.creds.uid : task.creds.userNamespace.toKuid(who);
  for (const process of namespace.processes()) {
    for (const member of process.tasks.values()) if (member.creds.uid === uid) tasks.push(member);
  }
  return tasks;
};

/** getpriority(2): 20 - nice, so that no priority looks like an error. */
export const sys_getpriority = implement("getpriority", { level: "full" }, (task, which, who) => {
  if (which < PRIO_PROCESS || which > PRIO_USER) return EINVAL;
  let highest: number = ESRCH;
  for (const target of select(task, which, who)) highest = Math.max(highest, 20 - target.scheduling.nice);
  return highest;
});

const setNice = (task: Task, target: Task, nice: number): number => {
  const { creds } = task;
  const isOwn = creds.euid === target.creds.uid || creds.euid === target.creds.euid;
  if (!isOwn && !creds.hasIn(target.creds.userNamespace, CAP_SYS_NICE)) return EPERM;
  if (nice < target.scheduling.nice && !canNice(task, target, nice)) return EACCES;
  target.scheduling.nice = nice;
  return 0;
};

/** setpriority(2): the last failure among many is told, as in Linux. */
export const sys_setpriority = implement("setpriority", { level: "full" }, (task, which, who, niceval) => {
  if (which < PRIO_PROCESS || which > PRIO_USER) return EINVAL;
  const nice = Math.max(-20, Math.min(19, niceval));
  let result: number = ESRCH;
  for (const target of select(task, which, who)) {
    const error = setNice(task, target, nice);
    if (error < 0) result = error;
    else if (result === ESRCH) result = 0;
  }
  return result;
});

const IOPRIO_CLASS_SHIFT = 13;
const IOPRIO_CLASS_NONE = 0;
const IOPRIO_CLASS_RT = 1;
const IOPRIO_CLASS_BE = 2;
const IOPRIO_CLASS_IDLE = 3;
/** Levels; the bits above are hints, which are kept. */
const IOPRIO_LEVELS = 7;

/** ioprio_get(2); `which` counts from 1. */
export const sys_ioprio_get = implement("ioprio_get", { level: "full" }, (task, which, who) => {
  if (which - 1 < PRIO_PROCESS || which - 1 > PRIO_USER) return EINVAL;
  let best: number = ESRCH;
  for (const { scheduling } of select(task, which - 1, who)) {
    best = best < 0 || best === IOPRIO_CLASS_NONE ? scheduling.ioPriority : Math.min(best, scheduling.ioPriority || best);
  }
  return best;
});

/** ioprio_set(2) */
export const sys_ioprio_set = implement("ioprio_set", { level: "full" }, (task, which, who, priority) => {
  const level = priority & IOPRIO_LEVELS;
  switch (priority >> IOPRIO_CLASS_SHIFT) {
    case IOPRIO_CLASS_RT:
      if (!task.creds.has(CAP_SYS_ADMIN) && !task.creds.has(CAP_SYS_NICE)) return EPERM;
      break;
    case IOPRIO_CLASS_BE:
    case IOPRIO_CLASS_IDLE:
      break;
    case IOPRIO_CLASS_NONE:
      if (level !== 0) return EINVAL;
      break;
    default:
      return EINVAL;
  }
  if (which - 1 < PRIO_PROCESS || which - 1 > PRIO_USER) return EINVAL;
  let result: number = ESRCH;
  for (const target of select(task, which - 1, who)) {
    const { creds } = task;
    const isOwn = target.creds.uid === creds.euid || target.creds.uid === creds.uid;
    if (!isOwn && !creds.has(CAP_SYS_NICE)) return EPERM;
    target.scheduling.ioPriority = priority;
    result = 0;
  }
  return result;
});
