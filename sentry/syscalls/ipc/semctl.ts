import {
  GETALL,
  GETNCNT,
  GETPID,
  GETVAL,
  GETZCNT,
  IPC_INFO,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  SEM_INFO,
  SEM_STAT,
  SEM_STAT_ANY,
  SETALL,
  SETVAL,
} from "../../../syscall-tables/flags/ipc.ts";
import { EFAULT, EINVAL, ERANGE, isErrno } from "../../abi/errno.ts";
import { type IpcNamespace, ipcNamespaceOf, ipcTime } from "../../ipc/ipc-namespace.ts";
import { IPC_PERM_SIZE, IPC_READ, IPC_WRITE } from "../../ipc/ipc-permission.ts";
import { SEMAPHORE_MAX, type SemaphoreSet } from "../../ipc/semaphore-set.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** sizeof(struct semid64_ds) on x86-64 */
const SEMID_DS_SIZE = 104;
/** sizeof(struct sem_undo) in struct seminfo */
const SEMUSZ = 20;

const storeSet = (task: Task, set: SemaphoreSet, addr: UserAddr): number => {
  const view = new DataView(new ArrayBuffer(SEMID_DS_SIZE));
  set.permission.store(view);
  view.setBigInt64(48, BigInt(set.operationTime), true);
  view.setBigInt64(64, BigInt(set.changeTime), true);
  view.setUint32(80, set.values.length, true);
  return task.memory.copyOut(addr, new Uint8Array(view.buffer));
};

const storeInfo = (task: Task, namespace: IpcNamespace, addr: UserAddr, isUsage: boolean): number => {
  const { semaphores, limits } = namespace;
  let used = 0;
  for (const set of semaphores.values()) used += set.values.length;
  const words = [
    limits.semmns,
    limits.semmni,
    limits.semmns,
    limits.semmns,
    limits.semmsl,
    limits.semopm,
    limits.semopm,
    isUsage ? semaphores.size : SEMUSZ,
    SEMAPHORE_MAX,
    isUsage ? used : SEMAPHORE_MAX,
  ];
  const error = task.memory.copyOut(addr, new Uint8Array(Int32Array.from(words).buffer));
  return error < 0 ? error : semaphores.maxIndex;
};

const readOne = (set: SemaphoreSet, number: number, command: number): number => {
  switch (command) {
    case GETVAL:
      return set.values[number];
    case GETPID:
      return set.pids[number];
    default:
      return set.countWaiting(number, command === GETZCNT);
  }
};

const setAll = (task: Task, set: SemaphoreSet, addr: UserAddr): number => {
  const bytes = task.memory.copyIn(addr, set.values.length * 2);
  if (isErrno(bytes)) return EFAULT;
  const values = new Uint16Array(bytes.slice().buffer);
  if (values.some((value) => value > SEMAPHORE_MAX)) return ERANGE;
  set.assign(0, values, task.process.pid, ipcTime(task));
  return 0;
};

/** semctl(2) */
export const sys_semctl = implement("semctl", { level: "full" }, (task, id, number, command, argument) => {
  if (id < 0) return EINVAL;
  const namespace = ipcNamespaceOf(task);
  const { semaphores } = namespace;
  if (command === IPC_INFO || command === SEM_INFO) return storeInfo(task, namespace, argument, command === SEM_INFO);
  const isByIndex = command === SEM_STAT || command === SEM_STAT_ANY;
  const set = isByIndex ? semaphores.at(id) : semaphores.get(id);
  if (isErrno(set)) return EINVAL;
  const { permission } = set;
  const check = (wanted: number): number => permission.check(task, wanted);
  switch (command) {
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
      return (command === SEM_STAT_ANY ? 0 : check(IPC_READ)) || storeSet(task, set, argument) || (isByIndex ? permission.id : 0);
    case GETALL:
      return check(IPC_READ) || task.memory.copyOut(argument, new Uint8Array(set.values.slice().buffer));
    case SETALL:
      return check(IPC_WRITE) || setAll(task, set, argument);
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT: {
      const error = check(IPC_READ);
      if (error < 0) return error;
      return number < 0 || number >= set.values.length ? EINVAL : readOne(set, number, command);
    }
    case SETVAL: {
      const value = (argument % 2 ** 32) | 0;
      if (value < 0 || value > SEMAPHORE_MAX) return ERANGE;
      const error = check(IPC_WRITE);
      if (error < 0) return error;
      if (number < 0 || number >= set.values.length) return EINVAL;
      set.assign(number, [value], task.process.pid, ipcTime(task));
      return 0;
    }
    case IPC_SET: {
      const view = task.memory.viewIn(argument, IPC_PERM_SIZE);
      if (typeof view === "number") return EFAULT;
      const error = permission.checkOwner(task);
      if (error < 0) return error;
      permission.update(view);
      set.changeTime = ipcTime(task);
      return 0;
    }
    case IPC_RMID: {
      const error = permission.checkOwner(task);
      if (error < 0) return error;
      semaphores.remove(set);
      set.destroy();
      return 0;
    }
    default:
      return EINVAL;
  }
});
