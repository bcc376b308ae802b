/** Who may use a System V object (struct kern_ipc_perm; sysvipc(7)). */

import { CAP_IPC_OWNER, CAP_SYS_ADMIN } from "../../syscall-tables/flags/system.ts";
import { EACCES, EPERM } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";

/** sizeof(struct ipc64_perm) */
export const IPC_PERM_SIZE = 48;

export const IPC_READ = 0o444;
export const IPC_WRITE = 0o222;

export class IpcPermission {
  key: number;
  uid: number;
  gid: number;
  readonly creatorUid: number;
  readonly creatorGid: number;
  /** Permission bits, and SHM_DEST and SHM_LOCKED. */
  mode: number;
  /** Set when the object enters its table. */
  id = -1;

  constructor(task: Task, key: number, flags: number) {
    const { euid, egid } = task.creds;
    this.key = key;
    this.uid = euid;
    this.gid = egid;
    this.creatorUid = euid;
    this.creatorGid = egid;
    this.mode = flags & 0o777;
  }

  /** ipcperms(): `wanted` has permission bits in any of the three classes. 0 or EACCES. */
  check(task: Task, wanted: number): number {
    const { creds } = task;
    const requested = ((wanted >> 6) | (wanted >> 3) | wanted) & 7;
    let granted = this.mode;
    if (creds.euid === this.creatorUid || creds.euid === this.uid) granted >>= 6;
    else if (creds.isInEffectiveGroup(this.creatorGid) || creds.isInEffectiveGroup(this.gid)) granted >>= 3;
    return (requested & ~granted) !== 0 && !creds.has(CAP_IPC_OWNER) ? EACCES : 0;
  }

  /** IPC_SET and IPC_RMID are for the owner and the creator (ipcctl_obtain_check). 0 or EPERM. */
  checkOwner(task: Task): number {
    const { euid } = task.creds;
    return euid === this.creatorUid || euid === this.uid || task.creds.has(CAP_SYS_ADMIN) ? 0 : EPERM;
  }

  /** Stores struct ipc64_perm. */
  store(view: DataView): void {
    view.setInt32(0, this.key, true);
    view.setUint32(4, this.uid, true);
    view.setUint32(8, this.gid, true);
    view.setUint32(12, this.creatorUid, true);
    view.setUint32(16, this.creatorGid, true);
    view.setUint32(20, this.mode, true);
    view.setUint16(24, (this.id >>> 15) & 0xffff, true);
  }

  /** IPC_SET: owner and permission bits of a struct ipc64_perm. */
  update(view: DataView): void {
    this.uid = view.getUint32(4, true);
    this.gid = view.getUint32(8, true);
    this.mode = (this.mode & ~0o777) | (view.getUint32(20, true) & 0o777);
  }
}
