import { CAP_SYS_NICE } from "../../../syscall-tables/flags/system.ts";
import { UIO_MAXIOV } from "../../../syscall-tables/limits.ts";
import { EBADF, EINVAL, EPERM, type Errno, ESRCH, isErrno } from "../../abi/errno.ts";
import { MADV_COLD, MADV_COLLAPSE, MADV_PAGEOUT, MADV_WILLNEED, PAGE_SIZE } from "../../abi/mman.ts";
import { pidfdProcess } from "../../fs/pidfd/pidfd.ts";
import { adviseMemory, isKnownAdvice } from "../../mm/advice.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Process } from "../../task/process.ts";
import type { Task } from "../../task/task.ts";
import { userIovIo } from "../../vfs/user-io.ts";
import { implement } from "../implement.ts";

const processOf = (task: Task, pidfd: number): Process | Errno => {
  const file = task.file(pidfd);
  if (isErrno(file)) return EBADF;
  return pidfdProcess(file) ?? EBADF;
};

/** process_madvise(2). Advice for another process only hints at when its pages are wanted: the host decides that itself. */
export const sys_process_madvise = implement("process_madvise", { level: "full" }, (task, pidfd, vecAddr, count, advice, flags) => {
  if (flags !== 0 || count > UIO_MAXIOV) return EINVAL;
  const checked = userIovIo(task, vecAddr, count);
  if (isErrno(checked)) return checked;
  const process = processOf(task, pidfd);
  if (isErrno(process)) return process;
  if (process.isZombie) return ESRCH;
  const target = process.anyTask;
  const isOwn = target.mm === task.mm;
  const isRemoteAdvice = advice === MADV_COLD || advice === MADV_PAGEOUT || advice === MADV_WILLNEED || advice === MADV_COLLAPSE;
  if (isOwn ? !isKnownAdvice(advice) : !isRemoteAdvice) return EINVAL;
  if (!mayInspect(task, target) || (!isOwn && !task.creds.has(CAP_SYS_NICE))) return EPERM;
  const vector = task.memory.viewIn(vecAddr, count * 16);
  if (typeof vector === "number") return count === 0 ? 0 : vector;
  let done = 0;
  for (let i = 0; i < count; i++) {
    const start = vector.getUint32(i * 16, true) + vector.getUint32(i * 16 + 4, true) * 2 ** 32;
    const length = vector.getUint32(i * 16 + 8, true) + vector.getUint32(i * 16 + 12, true) * 2 ** 32;
    const error = isOwn ? adviseMemory(task.mm, task.thread, start, length, advice) : start % PAGE_SIZE !== 0 ? EINVAL : 0;
    if (error < 0) return done > 0 ? done : error;
    done += length;
  }
  return done;
});

/** process_mrelease(2): a dying process gives its memory back by itself here. */
export const sys_process_mrelease = implement("process_mrelease", { level: "full" }, (task, pidfd, flags) => {
  if (flags !== 0) return EINVAL;
  const process = processOf(task, pidfd);
  if (isErrno(process)) return process;
  if (process.isZombie) return ESRCH;
  return process.isExiting ? 0 : EINVAL;
});
