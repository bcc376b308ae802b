/** chattr(1): immutable, append-only and the like (ioctl_iflags(2), fs/file_attr.c), on filesystems that keep them. */
import { STATX_ATTR_APPEND, STATX_ATTR_IMMUTABLE, STATX_ATTR_NODUMP } from "../../syscall-tables/flags/open.ts";
import { CAP_LINUX_IMMUTABLE } from "../../syscall-tables/flags/system.ts";
import { ENOTTY, EOPNOTSUPP, EPERM, EROFS } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import type { Inode } from "./inode.ts";
import type { Path } from "./path.ts";
import { isOwner } from "./permission.ts";

export const FS_IMMUTABLE_FL = 0x10;
export const FS_APPEND_FL = 0x20;
const FS_NODUMP_FL = 0x40;
const FS_NOATIME_FL = 0x80;
/** SHMEM_FL_USER_MODIFIABLE */
const SETTABLE = FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL;
/** SHMEM_FL_INHERITED */
const INHERITED = FS_NODUMP_FL | FS_NOATIME_FL;

/** FS_XFLAG_* of struct fsxattr and file_getattr(2) for each. */
const XFLAGS: readonly (readonly [number, number])[] = [
  [FS_IMMUTABLE_FL, 0x8],
  [FS_APPEND_FL, 0x10],
  [FS_NOATIME_FL, 0x40],
  [FS_NODUMP_FL, 0x80],
];

export const isImmutable = (inode: Inode): boolean => (inode.fileFlags & FS_IMMUTABLE_FL) !== 0;
export const isAppendOnly = (inode: Inode): boolean => (inode.fileFlags & FS_APPEND_FL) !== 0;
/** Neither its attributes nor its names may change. */
export const isFixed = (inode: Inode): boolean => (inode.fileFlags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) !== 0;

export const toXflags = (flags: number): number => XFLAGS.reduce((all, [flag, xflag]) => all | ((flags & flag) !== 0 ? xflag : 0), 0);

/** null: one of them is none of ours. */
export const fromXflags = (xflags: number): number | null => {
  const flags = XFLAGS.reduce((all, [flag, xflag]) => all | ((xflags & xflag) !== 0 ? flag : 0), 0);
  return toXflags(flags) === xflags ? flags : null;
};

export const statxAttributes = ({ fileFlags }: Inode): number =>
  ((fileFlags & FS_IMMUTABLE_FL) !== 0 ? STATX_ATTR_IMMUTABLE : 0) |
  ((fileFlags & FS_APPEND_FL) !== 0 ? STATX_ATTR_APPEND : 0) |
  ((fileFlags & FS_NODUMP_FL) !== 0 ? STATX_ATTR_NODUMP : 0);

/** What a new file has of its directory's. */
export const inheritedFlags = (dir: Inode): number => dir.fileFlags & INHERITED;

/** vfs_fileattr_set(): 0 or an errno. */
export const setFileFlags = (task: Task, { mount, dentry }: Path, flags: number): number => {
  const { inode } = dentry;
  if (mount.isReadOnly) return EROFS;
  if (!inode.keepsFlags) return ENOTTY;
  if (!isOwner(inode, task.creds)) return EPERM;
  const changed = inode.fileFlags ^ flags;
  if ((changed & (FS_IMMUTABLE_FL | FS_APPEND_FL)) !== 0 && !task.creds.has(CAP_LINUX_IMMUTABLE)) return EPERM;
  if ((flags & ~SETTABLE) !== 0) return EOPNOTSUPP;
  inode.fileFlags = flags;
  task.kernel.clock.stamp(inode.ctime);
  return 0;
};
