import { EINVAL, isErrno } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

const SEEK_MAX = 4;

/** lseek(2) */
export const sys_lseek = implement("lseek", { level: "full" }, (task, fd, offset, whence) => {
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (whence < 0 || whence > SEEK_MAX) return EINVAL;
  return file.seek(offset, whence);
});
