import {
  PIDFD_NONBLOCK,
  PIDFD_SIGNAL_PROCESS_GROUP,
  PIDFD_SIGNAL_THREAD,
  PIDFD_SIGNAL_THREAD_GROUP,
  PIDFD_THREAD,
} from "../../../syscall-tables/flags/process.ts";
import { SI_TKILL } from "../../../syscall-tables/flags/signal.ts";
import { EBADF, EFAULT, EINVAL, ENOENT, EPERM, ESRCH, isErrno } from "../../abi/errno.ts";
import { isValidSignal, SIGINFO_SIZE } from "../../abi/signal.ts";
import { PidFile } from "../../fs/pidfd/pidfd.ts";
import { TaskDirectory } from "../../fs/proc/task-directory.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { mayInspect, maySignal } from "../../task/permission.ts";
import { type SignalInfo, threadSignal, userSignal } from "../../task/signal-info.ts";
import { sendSignalToProcess, sendSignalToTask } from "../../task/signals.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

const pidFile = (task: Task, fd: number): PidFile | number => {
  const file = task.file(fd);
  return file instanceof PidFile ? file : EBADF;
};

/** pidfd_open(2) */
export const sys_pidfd_open = implement("pidfd_open", { level: "full" }, (task, number, flags) => {
  if ((flags & ~(PIDFD_NONBLOCK | PIDFD_THREAD)) !== 0 || number <= 0) return EINVAL;
  const target = task.pidNamespace.task(number);
  if (target === null) return ESRCH;
  const isThread = (flags & PIDFD_THREAD) !== 0;
  if (!isThread && !target.isLeader) return ENOENT;
  const error = task.files.canInstall();
  if (error < 0) return error;
  return task.files.install(new PidFile(target.process, isThread ? target : null, flags), true);
});

/** The signal that `target` is to get: the caller's siginfo if it gave one, else what kill(2) or tgkill(2) would say. */
const readInfo = (task: Task, target: Task, signal: number, infoAddr: UserAddr, isThread: boolean): SignalInfo | number => {
  if (infoAddr === 0) return isThread ? threadSignal(signal, task, target) : userSignal(signal, task, target);
  const raw = task.memory.copyIn(infoAddr, SIGINFO_SIZE);
  if (isErrno(raw)) return EFAULT;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const code = view.getInt32(8, true);
  if (view.getInt32(0, true) !== signal) return EINVAL;
  if (target !== task && (code >= 0 || code === SI_TKILL)) return EPERM;
  return { signal, code, raw };
};

/** Whom a descriptor can signal: a pidfd's task, or the process of an open /proc/PID (tgid_pidfd_to_pid). `target` is null once it is gone. */
const signalTarget = (task: Task, fd: number): { target: Task | null; isThread: boolean } | number => {
  const file = task.file(fd);
  if (typeof file === "number") return file;
  if (file instanceof PidFile) return { target: file.target, isThread: file.thread !== null };
  if (!(file.inode instanceof TaskDirectory) || file.inode.scope !== "process") return EBADF;
  const { process } = file.inode.task;
  return { target: process.isReaped ? null : process.leader, isThread: false };
};

/** pidfd_send_signal(2) */
export const sys_pidfd_send_signal = implement("pidfd_send_signal", { level: "full" }, (task, fd, signal, infoAddr, flags) => {
  if (flags !== 0 && flags !== PIDFD_SIGNAL_THREAD && flags !== PIDFD_SIGNAL_THREAD_GROUP && flags !== PIDFD_SIGNAL_PROCESS_GROUP) {
    return EINVAL;
  }
  const found = signalTarget(task, fd);
  if (typeof found === "number") return found;
  const { target } = found;
  const isThread = flags === PIDFD_SIGNAL_THREAD || (flags === 0 && found.isThread);
  // A pid that cannot be seen from the caller's namespace: access_pidfd_pidns().
  if (target !== null && target.pid.in(task.pidNamespace) === 0) return EINVAL;
  if (target === null) return ESRCH;
  const info = readInfo(task, target, signal, infoAddr, isThread);
  if (typeof info === "number") return info;
  if (!isValidSignal(signal)) return EINVAL;
  if (flags === PIDFD_SIGNAL_PROCESS_GROUP) {
    // kill(2) of a group: enough if one member may be signalled.
    let result: number = ESRCH;
    for (const member of [...target.process.group.members]) {
      const error = maySignal(task, member.leader, signal);
      if (error === 0 && signal !== 0) sendSignalToProcess(member, info);
      if (result !== 0) result = error;
    }
    return result;
  }
  const error = maySignal(task, target, signal);
  if (error < 0 || signal === 0) return error;
  return isThread ? sendSignalToTask(target, info) : sendSignalToProcess(target.process, info);
});

/** pidfd_getfd(2) */
export const sys_pidfd_getfd = implement("pidfd_getfd", { level: "full" }, (task, pidfd, targetFd, flags) => {
  if (flags !== 0) return EINVAL;
  const file = pidFile(task, pidfd);
  if (typeof file === "number") return file;
  const { target } = file;
  if (target === null) return ESRCH;
  if (!mayInspect(task, target)) return EPERM;
  if (target.isDead) return ESRCH;
  const wanted = target.files.get(targetFd);
  if (wanted === null) return EBADF;
  const fd = task.files.install(wanted.take(), true);
  if (fd < 0) wanted.put();
  return fd;
});
