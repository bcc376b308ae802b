import { IN_ACCESS } from "../../../syscall-tables/flags/open.ts";
import { EBADF, EINVAL, ESPIPE, isErrno } from "../../abi/errno.ts";
import type { HostOps } from "../../platform/platform.ts";
import { readOrBlock } from "../../task/file-ops.ts";
import { notifyFile } from "../../vfs/notify.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { checkRange, MAX_RW_COUNT, userIo } from "../../vfs/user-io.ts";
import { implement } from "../implement.ts";

/** What the guest's process is to do with the answer (UserMemory.readByGuest, clear) may fail: then the file is not read so far. */
const correctPosition = (ops: HostOps, file: OpenFile, read: number): void => {
  const { onFailure } = ops;
  ops.onFailure = (index, error) => {
    const result = onFailure?.(index, error) ?? error;
    file.position -= read - Math.max(0, result);
    return result;
  };
};

/** read(2) */
export const sys_read = implement("read", { level: "full" }, (task, fd, bufAddr, count) => {
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (!file.canRead) return EBADF;
  // FMODE_CAN_READ comes before the buffer: epoll, pidfd and the like are EINVAL.
  if (checkRange(bufAddr, count) < 0) return file.readsBytes ? checkRange(bufAddr, count) : EINVAL;
  const n = readOrBlock(task, file, userIo(task, bufAddr, Math.min(count, MAX_RW_COUNT)));
  if (n > 0 && task.thread.ops.onFailure !== null) correctPosition(task.thread.ops, file, n);
  if (n > 0 && file.path !== null) notifyFile(file, IN_ACCESS, task);
  return n;
});

/** pread(2) */
export const sys_pread64 = implement("pread64", { level: "full" }, (task, fd, bufAddr, count, offset) => {
  if (offset < 0) return EINVAL;
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (!file.isPositioned) return ESPIPE;
  if (!file.canRead) return EBADF;
  if (checkRange(bufAddr, count) < 0) return checkRange(bufAddr, count);
  const n = file.pread(userIo(task, bufAddr, Math.min(count, MAX_RW_COUNT)), offset, task);
  if (n > 0 && file.path !== null) notifyFile(file, IN_ACCESS, task);
  return n;
});
