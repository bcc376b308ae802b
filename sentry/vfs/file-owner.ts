/** Who gets SIGIO for a file: F_SETOWN, F_SETOWN_EX, F_SETSIG (fs/fcntl.c). */

import { F_OWNER_PGRP, F_OWNER_PID, F_OWNER_TID } from "../../syscall-tables/flags/fd.ts";
import { INT_MIN } from "../../syscall-tables/limits.ts";
import { EFAULT, EINVAL, ESRCH } from "../abi/errno.ts";
import { BLOCKED } from "../task/blocking.ts";
import type { Pid } from "../task/pid-namespace.ts";
import type { Task } from "../task/task.ts";
import { AsyncNotifier } from "./async.ts";
import type { OpenFile } from "./open-file.ts";

const NSIG = 64;

const setTo = (task: Task, file: OpenFile, type: number, number: number): number => {
  let owner: Pid | null = null;
  if (number !== 0) {
    owner = task.pidNamespace.pid(number);
    if (owner === null || (type === F_OWNER_PGRP ? owner.group === null : owner.task === null)) return ESRCH;
  }
  file.async ??= new AsyncNotifier(file);
  file.async.ownerType = type;
  file.async.owner = owner;
  file.async.uid = task.creds.uid;
  file.async.euid = task.creds.euid;
  file.ownerChanged();
  return 0;
};

/** F_SETOWN: a process, or the negative of a process group. */
export const setOwner = (task: Task, file: OpenFile, argument: number): number => {
  if (argument === INT_MIN) return EINVAL;
  return argument < 0 ? setTo(task, file, F_OWNER_PGRP, -argument) : setTo(task, file, F_OWNER_PID, argument);
};

const ownerNumber = (task: Task, file: OpenFile): number => file.async?.owner?.in(task.pidNamespace) ?? 0;

/** F_GETOWN; a group's small negative number looks like an error, which is why F_GETOWN_EX exists. */
export const getOwner = (task: Task, file: OpenFile): number => {
  const number = ownerNumber(task, file);
  if (file.async?.ownerType !== F_OWNER_PGRP) return number;
  return -number === BLOCKED ? EINVAL : -number;
};

/** struct f_owner_ex: int type, pid_t pid. */
export const setOwnerEx = (task: Task, file: OpenFile, addr: number): number => {
  const type = task.memory.loadU32(addr);
  const pid = task.memory.loadU32(addr + 4);
  if (type < 0 || pid < 0) return EFAULT;
  return type > F_OWNER_PGRP ? EINVAL : setTo(task, file, type, pid | 0);
};

export const getOwnerEx = (task: Task, file: OpenFile, addr: number): number => {
  const type = file.async?.ownerType ?? F_OWNER_TID;
  if (task.memory.storeU32(addr, file.async === null ? F_OWNER_TID : type) < 0) return EFAULT;
  return task.memory.storeU32(addr + 4, ownerNumber(task, file));
};

export const getOwnerUids = (task: Task, file: OpenFile, addr: number): number => {
  const ns = task.creds.userNamespace;
  if (task.memory.storeU32(addr, ns.showUid(file.async?.uid ?? 0)) < 0) return EFAULT;
  return task.memory.storeU32(addr + 4, ns.showUid(file.async?.euid ?? 0));
};

export const setSignal = (file: OpenFile, signal: number): number => {
  if (signal < 0 || signal > NSIG) return EINVAL;
  file.async ??= new AsyncNotifier(file);
  file.async.signal = signal;
  return 0;
};

export const getSignal = (file: OpenFile): number => file.async?.signal ?? 0;
