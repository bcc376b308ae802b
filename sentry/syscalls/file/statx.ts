import {
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_STATX_DONT_SYNC,
  AT_STATX_FORCE_SYNC,
  AT_SYMLINK_NOFOLLOW,
  STATX__RESERVED,
  STATX_ATTR_APPEND,
  STATX_ATTR_IMMUTABLE,
  STATX_ATTR_MOUNT_ROOT,
  STATX_ATTR_NODUMP,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_MNT_ID,
  STATX_MNT_ID_UNIQUE,
} from "../../../syscall-tables/flags/open.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EINVAL, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { majorOf, minorOf } from "../../vfs/devices.ts";
import { statxAttributes } from "../../vfs/file-flags.ts";
import type { Timestamp } from "../../vfs/inode.ts";
import { uniqueIdOf } from "../../vfs/mount.ts";
import type { Path } from "../../vfs/path.ts";
import { implement } from "../implement.ts";
import { atPath } from "./at-path.ts";

const STATX_SIZE = 256;
/** What is not set below stays 0. */
const bytes = new Uint8Array(STATX_SIZE);
const view = new DataView(bytes.buffer);
const STATX_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC;

const FLAG_ATTRIBUTES = STATX_ATTR_APPEND | STATX_ATTR_IMMUTABLE | STATX_ATTR_NODUMP;

const putTime = (at: number, time: Timestamp): void => {
  put64(at, time.sec);
  view.setUint32(at + 8, time.nsec, true);
};

const put64 = (at: number, value: number): void => {
  view.setUint32(at, value % TWO_32, true);
  view.setInt32(at + 4, Math.floor(value / TWO_32), true);
};

/** struct statx (include/uapi/linux/stat.h). */
const fill = (task: Task, place: Path, mask: number): number => {
  const { inode } = place.dentry;
  const error = inode.refresh();
  if (error < 0) return error;
  const ns = task.creds.userNamespace;
  const isUnique = (mask & STATX_MNT_ID_UNIQUE) !== 0;
  view.setUint32(0, STATX_BASIC_STATS | STATX_BTIME | (isUnique ? STATX_MNT_ID_UNIQUE : STATX_MNT_ID), true);
  view.setUint32(4, inode.blockSize, true);
  put64(8, (place.dentry === place.mount.root ? STATX_ATTR_MOUNT_ROOT : 0) | statxAttributes(inode));
  view.setUint32(16, inode.nlink, true);
  view.setUint32(20, ns.showUid(inode.uid), true);
  view.setUint32(24, ns.showGid(inode.gid), true);
  view.setUint16(28, inode.mode, true);
  put64(32, inode.ino);
  put64(40, inode.size);
  put64(48, inode.blocks);
  put64(56, STATX_ATTR_MOUNT_ROOT | (inode.keepsFlags ? FLAG_ATTRIBUTES : 0));
  putTime(64, inode.atime);
  putTime(80, inode.btime);
  putTime(96, inode.ctime);
  putTime(112, inode.mtime);
  view.setUint32(128, majorOf(inode.rdev), true);
  view.setUint32(132, minorOf(inode.rdev), true);
  view.setUint32(136, majorOf(inode.fs.device), true);
  view.setUint32(140, minorOf(inode.fs.device), true);
  put64(144, isUnique ? uniqueIdOf(place.mount) : place.mount.id);
  return 0;
};

/** statx(2) */
export const sys_statx = implement("statx", { level: "full" }, (task, dirfd, path, flags, mask, statxAddr) => {
  if ((mask & STATX__RESERVED) !== 0 || (flags & ~STATX_FLAGS) !== 0) return EINVAL;
  if ((flags & AT_STATX_FORCE_SYNC) !== 0 && (flags & AT_STATX_DONT_SYNC) !== 0) return EINVAL;
  const place = atPath(task, dirfd, path, flags);
  if (isErrno(place)) return place;
  const error = fill(task, place, mask);
  return error < 0 ? error : task.memory.copyOut(statxAddr, bytes);
});
