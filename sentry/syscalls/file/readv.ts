import {
  RWF_APPEND,
  RWF_DONTCACHE,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOAPPEND,
  RWF_NOSIGNAL,
  RWF_NOWAIT,
  RWF_SYNC,
} from "../../../syscall-tables/flags/fd.ts";
import { IN_ACCESS, IN_MODIFY, O_APPEND, O_NONBLOCK } from "../../../syscall-tables/flags/open.ts";
import { EBADF, EINVAL, EOPNOTSUPP, ESPIPE, isErrno } from "../../abi/errno.ts";
import { readOrBlock, writeOrBlock } from "../../task/file-ops.ts";
import type { Task } from "../../task/task.ts";
import { notifyFile } from "../../vfs/notify.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { userIovIo } from "../../vfs/user-io.ts";
import { implement } from "../implement.ts";

/** Read or write at the file's position. */
const CURRENT = -1;
const READ_FLAGS = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_DONTCACHE | RWF_NOSIGNAL;
export const RWF_KNOWN = READ_FLAGS | RWF_APPEND | RWF_NOAPPEND;

/** FOP_DONTCACHE: files with a page cache; here it is the host's, and keeps what it likes. */
const mayUse = (file: OpenFile, flags: number): boolean => (flags & RWF_DONTCACHE) === 0 || file.isRegular;

const readVector = (task: Task, fd: number, vecAddr: number, count: number, offset: number, flags: number): number => {
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (offset !== CURRENT && !file.isPositioned) return ESPIPE;
  if (!file.canRead) return EBADF;
  if (!file.readsBytes) return EINVAL;
  const io = userIovIo(task, vecAddr, count);
  if (isErrno(io)) return io;
  if ((flags & ~READ_FLAGS) !== 0 || !mayUse(file, flags)) return EOPNOTSUPP;
  let n: number;
  if (offset !== CURRENT) n = file.pread(io, offset, task);
  else if ((flags & RWF_NOWAIT) !== 0) n = file.read(io, task);
  else n = readOrBlock(task, file, io);
  if (n > 0 && file.path !== null) notifyFile(file, IN_ACCESS, task);
  return n;
};

/** The per-call flags take the place of the file's for this one call (kiocb_set_rw_flags). */
const statusFor = (file: OpenFile, flags: number): number => {
  let status = file.flags;
  if ((flags & RWF_APPEND) !== 0) status |= O_APPEND;
  if ((flags & RWF_NOAPPEND) !== 0) status &= ~O_APPEND;
  if ((flags & RWF_NOWAIT) !== 0) status |= O_NONBLOCK;
  return status;
};

const writeVector = (task: Task, fd: number, vecAddr: number, count: number, offset: number, flags: number): number => {
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (offset !== CURRENT && !file.isPositioned) return ESPIPE;
  if (!file.canWrite) return EBADF;
  if (!file.writesBytes) return EINVAL;
  const io = userIovIo(task, vecAddr, count);
  if (isErrno(io)) return io;
  if ((flags & ~RWF_KNOWN) !== 0 || !mayUse(file, flags)) return EOPNOTSUPP;
  if ((flags & RWF_APPEND) !== 0 && (flags & RWF_NOAPPEND) !== 0) return EINVAL;
  const before = file.flags;
  const status = statusFor(file, flags);
  file.flags = status;
  const n = offset === CURRENT ? writeOrBlock(task, file, io) : file.pwrite(io, offset, task);
  if (status !== before) file.flags = before;
  if (n > 0 && file.path !== null) notifyFile(file, IN_MODIFY, task);
  return n;
};

/** readv(2) */
export const sys_readv = implement("readv", { level: "full" }, (task, fd, vecAddr, count) =>
  readVector(task, fd, vecAddr, count, CURRENT, 0),
);

/** writev(2) */
export const sys_writev = implement("writev", { level: "full" }, (task, fd, vecAddr, count) =>
  writeVector(task, fd, vecAddr, count, CURRENT, 0),
);

/** preadv(2) */
export const sys_preadv = implement("preadv", { level: "full" }, (task, fd, vecAddr, count, offset) =>
  offset < 0 ? EINVAL : readVector(task, fd, vecAddr, count, offset, 0),
);

/** pwritev(2) */
export const sys_pwritev = implement("pwritev", { level: "full" }, (task, fd, vecAddr, count, offset) =>
  offset < 0 ? EINVAL : writeVector(task, fd, vecAddr, count, offset, 0),
);

/** preadv2(2): offset -1 is the file's position. */
export const sys_preadv2 = implement("preadv2", { level: "full" }, (task, fd, vecAddr, count, offset, _high, flags) =>
  offset < CURRENT ? EINVAL : readVector(task, fd, vecAddr, count, offset, flags),
);

/** pwritev2(2) */
export const sys_pwritev2 = implement("pwritev2", { level: "full" }, (task, fd, vecAddr, count, offset, _high, flags) =>
  offset < CURRENT ? EINVAL : writeVector(task, fd, vecAddr, count, offset, flags),
);
