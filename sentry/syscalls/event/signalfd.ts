import { O_CLOEXEC, O_NONBLOCK } from "../../../syscall-tables/flags/open.ts";
import { EBADF, EFAULT, EINVAL, isErrno } from "../../abi/errno.ts";
import { SIGSET_SIZE } from "../../abi/signal.ts";
import { SignalFile } from "../../fs/signalfd/signalfd.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";

import { implement } from "../implement.ts";

const set = new Uint8Array(SIGSET_SIZE);
const setView = new DataView(set.buffer);

const signalfd = (task: Task, fd: number, maskAddr: UserAddr, maskSize: number, flags: number): number => {
  if (maskSize !== SIGSET_SIZE) return EINVAL;
  if (task.memory.readInto(maskAddr, set, 0, SIGSET_SIZE) !== SIGSET_SIZE) return EFAULT;
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return EINVAL;
  const lo = setView.getUint32(0, true);
  const hi = setView.getUint32(4, true);
  if (fd === -1) {
    const error = task.files.canInstall();
    if (error < 0) return error;
    return task.files.install(new SignalFile(task, lo, hi, flags & O_NONBLOCK), (flags & O_CLOEXEC) !== 0);
  }
  const file = task.file(fd);
  if (isErrno(file)) return EBADF;
  if (!(file instanceof SignalFile)) return EINVAL;
  file.setMask(task, lo, hi);
  return fd;
};

/** signalfd(2) */
export const sys_signalfd = implement("signalfd", { level: "full" }, (task, fd, maskAddr, size) => signalfd(task, fd, maskAddr, size, 0));
export const sys_signalfd4 = implement("signalfd4", { level: "full" }, signalfd);
