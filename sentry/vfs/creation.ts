/** What new files inherit: umask, the directory's group, set-group-ID (fs/inode.c inode_init_owner, mode_strip_sgid). */

import { S_IFDIR, S_IFMT, S_ISGID } from "../../syscall-tables/flags/open.ts";
import { CAP_FSETID } from "../../syscall-tables/flags/system.ts";
import { ENOENT, EOVERFLOW } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import { INVALID_ID } from "../task/user-namespace.ts";
import type { Inode } from "./inode.ts";
import type { Path } from "./path.ts";
import { hasOver, mayCreate } from "./permission.ts";

/** The mode of a new file in `dir`: umask, and no set-group-ID for a group that the caller is not in. */
export const newMode = (task: Task, dir: Inode, mode: number): number => {
  const masked = mode & ~task.fs.umask;
  if ((dir.mode & S_ISGID) === 0) return masked;
  if ((mode & S_IFMT) === S_IFDIR) return masked | S_ISGID;
  if ((masked & (S_ISGID | 0o010)) !== (S_ISGID | 0o010)) return masked;
  return task.creds.isInGroup(dir.gid) || hasOver(task.creds, dir, CAP_FSETID) ? masked : masked & ~S_ISGID;
};

export const newGid = (task: Task, dir: Inode): number => ((dir.mode & S_ISGID) !== 0 ? dir.gid : task.creds.fsgid);

/** may_create(): 0 or the reason why no name can be added to `dir`. */
export const checkCreate = (task: Task, dir: Path): number => {
  if (dir.dentry.isUnlinked) return ENOENT;
  const { owner } = dir.dentry.inode.fs;
  const { fsuid, fsgid } = task.creds;
  // fsuidgid_has_mapping(): the filesystem could not say who the owner is.
  const isUnknown = owner.fromKuid(fsuid) === INVALID_ID || owner.fromKgid(fsgid) === INVALID_ID;
  return isUnknown && !dir.mount.isReadOnly ? EOVERFLOW : mayCreate(dir, task.creds);
};
