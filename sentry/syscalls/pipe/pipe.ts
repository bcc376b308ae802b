import { O_CLOEXEC, O_DIRECT, O_EXCL, O_NONBLOCK } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, ENOPKG } from "../../abi/errno.ts";
import { createPipe } from "../../fs/pipe/pipe.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";

import { implement } from "../implement.ts";

/** O_NOTIFICATION_PIPE: a watch queue, which needs CONFIG_WATCH_QUEUE. */
const O_NOTIFICATION_PIPE = O_EXCL;

const makePipe = (task: Task, fdsAddr: UserAddr, flags: number): number => {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_NOTIFICATION_PIPE)) !== 0) return EINVAL;
  if ((flags & O_NOTIFICATION_PIPE) !== 0) return ENOPKG;
  const { files } = task;
  const error = files.canInstall(2);
  if (error < 0) return error;
  const isCloexec = (flags & O_CLOEXEC) !== 0;
  const [readEnd, writeEnd] = createPipe(task.kernel, flags, task);
  const readFd = files.install(readEnd, isCloexec);
  const writeFd = files.install(writeEnd, isCloexec);
  // One thread runs at a time: nobody sees the fds before they are copied out.
  const stored = task.memory.storeU32(fdsAddr, readFd) || task.memory.storeU32(fdsAddr + 4, writeFd);
  if (stored < 0) {
    files.close(readFd, task);
    files.close(writeFd, task);
  }
  return stored;
};

/** pipe(2) */
export const sys_pipe = implement("pipe", { level: "full" }, (task, fdsAddr) => makePipe(task, fdsAddr, 0));

/** pipe2(2) */
export const sys_pipe2 = implement("pipe2", { level: "full" }, makePipe);
