import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW } from "../../../syscall-tables/flags/open.ts";
import { CAP_DAC_READ_SEARCH } from "../../../syscall-tables/flags/system.ts";

import { EINVAL, ENOENT, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { touchAtime } from "../../vfs/atime.ts";
import { link, symlink } from "../../vfs/names.ts";
import { rename } from "../../vfs/removal.ts";
import { WALK_EMPTY } from "../../vfs/vfs.ts";
import { implement } from "../implement.ts";
import { atPath } from "./at-path.ts";

const linkAt = (task: Task, oldDirfd: number, oldPath: string, newDirfd: number, newPath: string, flags: number): number => {
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return EINVAL;
  // A descriptor alone says nothing about the right to link: ENOENT, as an empty path.
  if ((flags & AT_EMPTY_PATH) !== 0 && oldPath === "" && !task.creds.has(CAP_DAC_READ_SEARCH)) return ENOENT;
  const follow = (flags & AT_SYMLINK_FOLLOW) !== 0 ? 0 : AT_SYMLINK_NOFOLLOW;
  const old = atPath(task, oldDirfd, oldPath, follow | (flags & AT_EMPTY_PATH));
  return isErrno(old) ? old : link(task, old, newDirfd, newPath);
};

/** link(2) */
export const sys_link = implement("link", { level: "full" }, (task, oldPath, newPath) =>
  linkAt(task, AT_FDCWD, oldPath, AT_FDCWD, newPath, 0),
);

/** linkat(2) */
export const sys_linkat = implement("linkat", { level: "full" }, linkAt);

/** symlink(2) */
export const sys_symlink = implement("symlink", { level: "full" }, (task, target, path) => symlink(task, target, AT_FDCWD, path));

/** symlinkat(2) */
export const sys_symlinkat = implement("symlinkat", { level: "full" }, symlink);

/** rename(2) */
export const sys_rename = implement("rename", { level: "full" }, (task, oldPath, newPath) =>
  rename(task, AT_FDCWD, oldPath, AT_FDCWD, newPath, 0),
);

/** renameat(2) */
export const sys_renameat = implement("renameat", { level: "full" }, (task, oldDirfd, oldPath, newDirfd, newPath) =>
  rename(task, oldDirfd, oldPath, newDirfd, newPath, 0),
);

/** renameat2(2) */
export const sys_renameat2 = implement("renameat2", { level: "full" }, rename);

const readLinkAt = (task: Task, dirfd: number, path: string, bufAddr: number, size: number): number => {
  if (size <= 0) return EINVAL;
  const place = task.kernel.vfs.walk(task, dirfd, path, WALK_EMPTY);
  if (isErrno(place)) return place;
  const { inode } = place.dentry;
  if (!inode.isSymlink) return path === "" ? ENOENT : EINVAL;
  touchAtime(inode, place.mount, task);
  const target = inode.readlink(task);
  if (isErrno(target)) return target;
  const bytes = Buffer.from(target.slice(0, size), "latin1");
  const error = task.memory.copyOut(bufAddr, bytes);
  return error < 0 ? error : bytes.length;
};

/** readlink(2) */
export const sys_readlink = implement("readlink", { level: "full" }, (task, path, bufAddr, size) =>
  path === "" ? ENOENT : readLinkAt(task, AT_FDCWD, path, bufAddr, size),
);

/** readlinkat(2) */
export const sys_readlinkat = implement("readlinkat", { level: "full" }, readLinkAt);
