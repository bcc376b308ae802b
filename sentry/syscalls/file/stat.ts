import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_STATX_DONT_SYNC,
  AT_STATX_FORCE_SYNC,
  AT_SYMLINK_NOFOLLOW,
} from "../../../syscall-tables/flags/open.ts";
import { EBADF, EINVAL, isErrno } from "../../abi/errno.ts";
import { implement } from "../implement.ts";
import { atPath } from "./at-path.ts";
import { writeStat } from "./stat-layout.ts";

const STAT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC;

/** stat(2) */
export const sys_stat = implement("stat", { level: "full" }, (task, path, statAddr) => {
  const place = atPath(task, AT_FDCWD, path, 0);
  return isErrno(place) ? place : writeStat(task, place.dentry.inode, statAddr);
});

/** lstat(2) */
export const sys_lstat = implement("lstat", { level: "full" }, (task, path, statAddr) => {
  const place = atPath(task, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  return isErrno(place) ? place : writeStat(task, place.dentry.inode, statAddr);
});

/** fstat(2), for O_PATH descriptors too. */
export const sys_fstat = implement("fstat", { level: "full" }, (task, fd, statAddr) => {
  const file = task.files.get(fd);
  return file === null ? EBADF : writeStat(task, file.inode, statAddr);
});

/** fstatat(2) */
export const sys_newfstatat = implement("newfstatat", { level: "full" }, (task, dirfd, path, statAddr, flags) => {
  if ((flags & ~STAT_FLAGS) !== 0) return EINVAL;
  // What glibc's fstat calls: no walk, no allocation.
  if ((path === null || path.length === 0) && (flags & AT_EMPTY_PATH) !== 0 && dirfd >= 0) {
    const file = task.files.get(dirfd);
    return file === null ? EBADF : writeStat(task, file.inode, statAddr);
  }
  const place = atPath(task, dirfd, path, flags);
  return isErrno(place) ? place : writeStat(task, place.dentry.inode, statAddr);
});
