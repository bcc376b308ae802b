import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, EOPNOTSUPP, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { chmod, chown } from "../../vfs/attributes.ts";
import { implement } from "../implement.ts";
import { atPath, fdPath } from "./at-path.ts";

const chmodAt = (task: Task, dirfd: number, path: string, mode: number, flags: number): number => {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return EINVAL;
  const place = atPath(task, dirfd, path, flags);
  if (isErrno(place)) return place;
  return place.dentry.inode.isSymlink ? EOPNOTSUPP : chmod(task, place, mode);
};

/** chmod(2) */
export const sys_chmod = implement("chmod", { level: "full" }, (task, path, mode) => chmodAt(task, AT_FDCWD, path, mode, 0));

/** fchmodat(2) */
export const sys_fchmodat = implement("fchmodat", { level: "full" }, (task, dirfd, path, mode) => chmodAt(task, dirfd, path, mode, 0));

/** fchmodat2(2) */
export const sys_fchmodat2 = implement("fchmodat2", { level: "full" }, chmodAt);

/** fchmod(2) */
export const sys_fchmod = implement("fchmod", { level: "full" }, (task, fd, mode) => {
  const place = fdPath(task, fd);
  return isErrno(place) ? place : chmod(task, place, mode);
});

const chownAt = (task: Task, dirfd: number, path: string, uid: number, gid: number, flags: number): number => {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return EINVAL;
  const place = atPath(task, dirfd, path, flags);
  return isErrno(place) ? place : chown(task, place, uid, gid);
};

/** chown(2) */
export const sys_chown = implement("chown", { level: "full" }, (task, path, uid, gid) => chownAt(task, AT_FDCWD, path, uid, gid, 0));

/** lchown(2) */
export const sys_lchown = implement("lchown", { level: "full" }, (task, path, uid, gid) =>
  chownAt(task, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW),
);

/** fchownat(2) */
export const sys_fchownat = implement("fchownat", { level: "full" }, chownAt);

/** fchown(2) */
export const sys_fchown = implement("fchown", { level: "full" }, (task, fd, uid, gid) => {
  const place = fdPath(task, fd);
  return isErrno(place) ? place : chown(task, place, uid, gid);
});
