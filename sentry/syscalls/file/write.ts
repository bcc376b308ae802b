import { IN_MODIFY } from "../../../syscall-tables/flags/open.ts";
import { EBADF, EINVAL, ESPIPE, isErrno } from "../../abi/errno.ts";
import { pwriteOrBlock, writeOrBlock } from "../../task/file-ops.ts";
import { notifyFile } from "../../vfs/notify.ts";
import { checkRange, MAX_RW_COUNT, userIo } from "../../vfs/user-io.ts";
import { implement } from "../implement.ts";

/** write(2) */
export const sys_write = implement("write", { level: "full" }, (task, fd, bufAddr, count) => {
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (!file.canWrite) return EBADF;
  if (checkRange(bufAddr, count) < 0) return file.writesBytes ? checkRange(bufAddr, count) : EINVAL;
  const n = writeOrBlock(task, file, userIo(task, bufAddr, Math.min(count, MAX_RW_COUNT)));
  if (n > 0 && file.path !== null) notifyFile(file, IN_MODIFY, task);
  return n;
});

/** pwrite(2) */
export const sys_pwrite64 = implement("pwrite64", { level: "full" }, (task, fd, bufAddr, count, offset) => {
  if (offset < 0) return EINVAL;
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (!file.isPositioned) return ESPIPE;
  if (!file.canWrite) return EBADF;
  if (checkRange(bufAddr, count) < 0) return checkRange(bufAddr, count);
  const n = pwriteOrBlock(task, file, userIo(task, bufAddr, Math.min(count, MAX_RW_COUNT)), offset);
  if (n > 0 && file.path !== null) notifyFile(file, IN_MODIFY, task);
  return n;
});
