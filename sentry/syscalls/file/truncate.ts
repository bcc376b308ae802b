import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
} from "../../../syscall-tables/flags/fd.ts";
import { IN_MODIFY, S_IFBLK, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG } from "../../../syscall-tables/flags/open.ts";
import { EACCES, EAGAIN, EBADF, EFBIG, EINVAL, EISDIR, ENODEV, EOPNOTSUPP, EPERM, ESPIPE, ETXTBSY, isErrno } from "../../abi/errno.ts";
import { FS_TRUNCATE } from "../../landlock/access.ts";
import type { Task } from "../../task/task.ts";
import { MAX_FILE_SIZE, truncatePath } from "../../vfs/attributes.ts";

import { isAppendOnly, isImmutable } from "../../vfs/file-flags.ts";
import { type InodeLeases, takeAwaitedLeases } from "../../vfs/leases.ts";
import { notifyFile } from "../../vfs/notify.ts";
import { implement } from "../implement.ts";
import { LeaseOp } from "./lease-op.ts";

const truncateNamed = (task: Task, path: string, length: number): number => {
  const place = task.kernel.vfs.follow(task, path);
  return isErrno(place) ? place : truncatePath(task, place, length);
};

class TruncateOp extends LeaseOp {
  readonly #path: string;
  readonly #length: number;

  constructor(leases: InodeLeases, path: string, length: number) {
    super(leases);
    this.#path = path;
    this.#length = length;
  }

  protected override again(task: Task): number {
    return truncateNamed(task, this.#path, this.#length);
  }
}

/** truncate(2) */
export const sys_truncate = implement("truncate", { level: "full" }, (task, path, length) => {
  if (length < 0) return EINVAL;
  const result = truncateNamed(task, path, length);
  const leases = result === EAGAIN ? takeAwaitedLeases() : null;
  return leases === null ? result : task.block(new TruncateOp(leases, path, length));
});

/** ftruncate(2) */
export const sys_ftruncate = implement("ftruncate", { level: "full" }, (task, fd, length) => {
  if (length < 0) return EINVAL;
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if ((file.inode.mode & S_IFMT) === S_IFDIR || !file.canWrite) return EINVAL;
  if (isAppendOnly(file.inode)) return EPERM;
  if (file.inode.execCount > 0) return ETXTBSY;
  if ((file.deniedLater & FS_TRUNCATE) !== 0) return EACCES;
  return file.truncate(length, task);
});

/** vfs_fallocate(): one operation, and KEEP_SIZE where it makes sense. */
const checkMode = (mode: number): number => {
  const keepsSize = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
  switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case 0:
    case FALLOC_FL_UNSHARE_RANGE:
    case FALLOC_FL_ZERO_RANGE:
      return 0;
    case FALLOC_FL_PUNCH_HOLE:
      return keepsSize ? 0 : EOPNOTSUPP;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
      return keepsSize ? EOPNOTSUPP : 0;
    default:
      return EOPNOTSUPP;
  }
};

/** fallocate(2) */
export const sys_fallocate = implement("fallocate", { level: "full" }, (task, fd, mode, offset, length) => {
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (offset < 0 || length <= 0) return EINVAL;
  const error = checkMode(mode);
  if (error < 0) return error;
  if (!file.canWrite) return EBADF;
  if (isImmutable(file.inode) || ((mode & ~FALLOC_FL_KEEP_SIZE) !== 0 && isAppendOnly(file.inode))) return EPERM;
  if (file.inode.execCount > 0) return ETXTBSY;
  const type = file.inode.mode & S_IFMT;
  if (type === S_IFIFO) return ESPIPE;
  if (type === S_IFDIR) return EISDIR;
  if (type !== S_IFREG && type !== S_IFBLK) return ENODEV;
  if (offset + length > MAX_FILE_SIZE) return EFBIG;
  const result = file.allocate(mode, offset, length, task);
  if (result >= 0) notifyFile(file, IN_MODIFY, task);
  return result;
});
