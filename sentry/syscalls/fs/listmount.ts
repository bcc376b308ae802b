import { EFAULT, EINVAL, ENOENT, EOVERFLOW, EPERM, isErrno } from "../../abi/errno.ts";
import { FIRST_UNIQUE_ID, uniqueIdOf } from "../../vfs/mount.ts";
import { isReachable } from "../../vfs/tree.ts";
import { implement } from "../implement.ts";
import { isHidden, mountsOf, readRequest } from "./mount-request.ts";

const LSMT_ROOT = 2 ** 64;
const LISTMOUNT_REVERSE = 1;
const LISTMOUNT_MOST = 1_000_000;

/** listmount(2) */
export const sys_listmount = implement(
  "listmount",
  { level: "partial", note: "mounts of the caller's namespace" },
  (task, requestAddr, idsAddr, count, flags) => {
    if ((flags & ~LISTMOUNT_REVERSE) !== 0) return EINVAL;
    if (count > LISTMOUNT_MOST) return EOVERFLOW;
    const request = readRequest(task, requestAddr);
    if (isErrno(request)) return request;
    const last = request.parameter;
    if (last !== 0 && last < FIRST_UNIQUE_ID) return EINVAL;
    const mounts = mountsOf(task, request);
    if (isErrno(mounts)) return mounts;
    const top = mounts.find((candidate) => uniqueIdOf(candidate) === request.mountId);
    if (top === undefined && request.mountId !== LSMT_ROOT) return ENOENT;
    if (top !== undefined && isHidden(task, top)) return EPERM;
    const from = top === undefined ? task.fs.root : { mount: top, dentry: top.root };
    const isReverse = (flags & LISTMOUNT_REVERSE) !== 0;
    const ids: number[] = [];
    for (const mount of isReverse ? mounts.toReversed() : mounts) {
      const id = uniqueIdOf(mount);
      if (ids.length === count) break;
      if (mount === top || (last !== 0 && (isReverse ? id >= last : id <= last))) continue;
      if (isReachable({ mount, dentry: mount.root }, from)) ids.push(id);
    }
    const bytes = new DataView(new ArrayBuffer(ids.length * 8));
    ids.forEach((id, index) => {
      bytes.setUint32(index * 8, id >>> 0, true);
      bytes.setUint32(index * 8 + 4, Math.floor(id / 2 ** 32), true);
    });
    return task.memory.copyOut(idsAddr, new Uint8Array(bytes.buffer)) < 0 ? EFAULT : ids.length;
  },
);
