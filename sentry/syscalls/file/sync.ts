import {
  POSIX_FADV_NOREUSE,
  SYNC_FILE_RANGE_WAIT_AFTER,
  SYNC_FILE_RANGE_WAIT_BEFORE,
  SYNC_FILE_RANGE_WRITE,
} from "../../../syscall-tables/flags/fd.ts";
import { S_IFBLK, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from "../../../syscall-tables/flags/open.ts";
import { EBADF, EINVAL, ESPIPE, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Filesystem } from "../../vfs/filesystem.ts";

import { implement } from "../implement.ts";

const syncFile = (task: Task, fd: number): number => {
  const file = task.file(fd);
  return isErrno(file) ? file : file.sync(task);
};

/** fsync(2) */
export const sys_fsync = implement("fsync", { level: "full" }, syncFile);

/** fdatasync(2) */
export const sys_fdatasync = implement("fdatasync", { level: "full" }, syncFile);

/** sync(2) */
export const sys_sync = implement("sync", { level: "full" }, (task) => {
  const seen = new Set<Filesystem>();
  for (const { fs } of task.fs.namespace.mounts) seen.add(fs);
  for (const fs of seen) fs.sync();
  return 0;
});

/** syncfs(2) */
export const sys_syncfs = implement("syncfs", { level: "full" }, (task, fd) => {
  const file = task.file(fd);
  return isErrno(file) ? file : file.inode.fs.sync();
});

/** sync_file_range(2) */
export const sys_sync_file_range = implement("sync_file_range", { level: "full" }, (task, fd, offset, length, flags) => {
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if ((flags & ~(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)) !== 0) return EINVAL;
  // Their sum is a loff_t, too.
  if (offset < 0 || length < 0 || (length > 0 && offset + length >= 2 ** 63)) return EINVAL;
  const type = file.inode.mode & S_IFMT;
  return type === S_IFREG || type === S_IFBLK || type === S_IFDIR || type === S_IFLNK ? 0 : ESPIPE;
});

/** posix_fadvise(2): the host's page cache looks after itself. */
export const sys_fadvise64 = implement("fadvise64", { level: "full" }, (task, fd, _offset, length, advice) => {
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if ((file.inode.mode & S_IFMT) === S_IFIFO) return ESPIPE;
  return advice < 0 || advice > POSIX_FADV_NOREUSE || length > 2 ** 63 ? EINVAL : 0;
});

/** readahead(2) */
export const sys_readahead = implement("readahead", { level: "full" }, (task, fd, _offset, count) => {
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (!file.canRead) return EBADF;
  return file.isRegular && count <= 2 ** 63 ? 0 : EINVAL;
});
