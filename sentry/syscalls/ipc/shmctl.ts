import {
  IPC_INFO,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  SHM_INFO,
  SHM_LOCK,
  SHM_STAT,
  SHM_STAT_ANY,
  SHM_UNLOCK,
} from "../../../syscall-tables/flags/ipc.ts";
import { CAP_IPC_LOCK } from "../../../syscall-tables/flags/system.ts";

import { EFAULT, EINVAL, EPERM, isErrno } from "../../abi/errno.ts";
import { PAGE_SIZE } from "../../abi/mman.ts";
import { type IpcNamespace, ipcNamespaceOf, ipcTime } from "../../ipc/ipc-namespace.ts";
import { IPC_PERM_SIZE, IPC_READ } from "../../ipc/ipc-permission.ts";
import { SHM_LOCKED, type SharedSegment } from "../../ipc/shared-segment.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** sizeof(struct shmid64_ds), struct shminfo64 and struct shm_info on x86-64 */
const SHMID_DS_SIZE = 112;
const SHMINFO_SIZE = 72;
const SHM_INFO_SIZE = 48;

const storeSegment = (task: Task, segment: SharedSegment, addr: UserAddr): number => {
  const view = new DataView(new ArrayBuffer(SHMID_DS_SIZE));
  segment.permission.store(view);
  view.setBigUint64(48, BigInt(segment.size), true);
  view.setBigInt64(56, BigInt(segment.attachTime), true);
  view.setBigInt64(64, BigInt(segment.detachTime), true);
  view.setBigInt64(72, BigInt(segment.changeTime), true);
  view.setInt32(80, segment.creator, true);
  view.setInt32(84, segment.lastUser, true);
  view.setUint32(88, segment.attachments, true);
  return task.memory.copyOut(addr, new Uint8Array(view.buffer));
};

/** IPC_INFO: the limits. */
const storeLimits = (task: Task, { segments, limits }: IpcNamespace, addr: UserAddr): number => {
  const words = [limits.shmmax, 1, limits.shmmni, limits.shmmni, limits.shmall];
  const bytes = new Uint8Array(SHMINFO_SIZE);
  bytes.set(new Uint8Array(BigUint64Array.from(words, BigInt).buffer));
  const error = task.memory.copyOut(addr, bytes);
  return error < 0 ? error : segments.maxIndex;
};

/** SHM_INFO: what is in use. */
const storeUsage = (task: Task, { segments }: IpcNamespace, addr: UserAddr): number => {
  let total = 0;
  let resident = 0;
  for (const { size, inode } of segments.values()) {
    total += Math.ceil(size / PAGE_SIZE);
    resident += inode.data.pages;
  }
  const bytes = new Uint8Array(SHM_INFO_SIZE);
  bytes.set(new Uint8Array(BigUint64Array.from([segments.size, total, resident], BigInt).buffer));
  const error = task.memory.copyOut(addr, bytes);
  return error < 0 ? error : segments.maxIndex;
};

/** shmctl(2) */
export const sys_shmctl = implement("shmctl", { level: "full" }, (task, id, command, addr) => {
  if (id < 0 || command < 0) return EINVAL;
  const namespace = ipcNamespaceOf(task);
  const { segments } = namespace;
  if (command === IPC_INFO) return storeLimits(task, namespace, addr);
  if (command === SHM_INFO) return storeUsage(task, namespace, addr);
  const isByIndex = command === SHM_STAT || command === SHM_STAT_ANY;
  const segment = isByIndex ? segments.at(id) : segments.get(id);
  if (isErrno(segment)) return EINVAL;
  const { permission } = segment;
  switch (command) {
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY: {
      const error = command === SHM_STAT_ANY ? 0 : permission.check(task, IPC_READ);
      return error || storeSegment(task, segment, addr) || (isByIndex ? permission.id : 0);
    }
    case IPC_SET: {
      const view = task.memory.viewIn(addr, IPC_PERM_SIZE);
      if (typeof view === "number") return EFAULT;
      const error = permission.checkOwner(task);
      if (error < 0) return error;
      permission.update(view);
      segment.changeTime = ipcTime(task);
      return 0;
    }
    case IPC_RMID: {
      const error = permission.checkOwner(task);
      if (error < 0) return error;
      segment.doom();
      return 0;
    }
    // Locking is shown and not done: the pages are the host's.
    case SHM_LOCK:
    case SHM_UNLOCK:
      if (permission.checkOwner(task) < 0 && !task.creds.has(CAP_IPC_LOCK)) return EPERM;
      permission.mode = command === SHM_LOCK ? permission.mode | SHM_LOCKED : permission.mode & ~SHM_LOCKED;
      return 0;
    default:
      return EINVAL;
  }
});
