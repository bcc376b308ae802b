import { O_CLOEXEC } from "../../../syscall-tables/flags/open.ts";
import { EBADF, EINVAL } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";

import { implement } from "../implement.ts";

const replace = (task: Task, oldFd: number, newFd: number, isCloexec: boolean): number => {
  const file = task.files.get(oldFd);
  if (file === null) return EBADF;
  const result = task.files.dup2(file.take(), newFd, isCloexec, task);
  if (result < 0) file.put();
  return result;
};

/** dup(2) */
export const sys_dup = implement("dup", { level: "full" }, (task, oldFd) => {
  const file = task.files.get(oldFd);
  if (file === null) return EBADF;
  const fd = task.files.install(file.take(), false);
  if (fd < 0) file.put();
  return fd;
});

/** dup2(2) */
export const sys_dup2 = implement("dup2", { level: "full" }, (task, oldFd, newFd) => {
  if (oldFd === newFd) return task.files.get(oldFd) === null ? EBADF : newFd;
  return replace(task, oldFd, newFd, false);
});

/** dup3(2) */
export const sys_dup3 = implement("dup3", { level: "full" }, (task, oldFd, newFd, flags) => {
  if ((flags & ~O_CLOEXEC) !== 0 || oldFd === newFd) return EINVAL;
  return replace(task, oldFd, newFd, (flags & O_CLOEXEC) !== 0);
});
