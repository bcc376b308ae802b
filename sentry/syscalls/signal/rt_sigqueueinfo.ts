import { SI_KERNEL, SI_TKILL, SI_USER } from "../../../syscall-tables/flags/signal.ts";
import { E2BIG, EFAULT, EINVAL, EPERM, type Errno, ESRCH, isErrno } from "../../abi/errno.ts";
import { isValidSignal, SI_ASYNCNL, SIGINFO_SIZE } from "../../abi/signal.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { maySignal } from "../../task/permission.ts";
import { type SignalInfo, sendSignalToProcess, sendSignalToTask } from "../../task/signals.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** sizeof(struct kernel_siginfo): what the kernel keeps of a siginfo_t. */
const KERNEL_SIGINFO_SIZE = 48;
/** The largest si_code that some signal defines. */
const LAST_KNOWN_CODE = 15;

/** copy_siginfo_from_user */
const readInfo = (task: Task, addr: UserAddr, signal: number): SignalInfo | Errno => {
  const raw = task.memory.copyIn(addr, SIGINFO_SIZE);
  if (isErrno(raw)) return EFAULT;
  const code = new DataView(raw.buffer, raw.byteOffset).getInt32(8, true);
  const isKnown = code === SI_KERNEL || (code >= SI_ASYNCNL && code <= LAST_KNOWN_CODE);
  if (!isKnown && raw.subarray(KERNEL_SIGINFO_SIZE).some((byte) => byte !== 0)) return E2BIG;
  raw.fill(0, KERNEL_SIGINFO_SIZE);
  return { signal, code, raw };
};

/** Nobody may pretend to be kill(2), tgkill(2) or the kernel, except towards himself. */
const isForged = (task: Task, id: number, code: number): boolean =>
  (code >= 0 || code === SI_TKILL) && task.pid.in(task.pidNamespace) !== id;

const queue = (task: Task, target: Task, info: SignalInfo, isForThread: boolean): number => {
  if (!isValidSignal(info.signal)) return EINVAL;
  const refused = info.code > SI_USER ? 0 : maySignal(task, target, info.signal);
  if (refused !== 0 || info.signal === 0) return refused;
  return isForThread ? sendSignalToTask(target, info) : sendSignalToProcess(target.process, info);
};

/** rt_sigqueueinfo(2) */
export const sys_rt_sigqueueinfo = implement("rt_sigqueueinfo", { level: "full" }, (task, pid, signal, infoAddr) => {
  const info = readInfo(task, infoAddr, signal);
  if (isErrno(info)) return info;
  if (isForged(task, pid, info.code)) return EPERM;
  const target = task.pidNamespace.task(pid);
  return target === null ? ESRCH : queue(task, target, info, false);
});

/** rt_tgsigqueueinfo(2) */
export const sys_rt_tgsigqueueinfo = implement("rt_tgsigqueueinfo", { level: "full" }, (task, tgid, tid, signal, infoAddr) => {
  const info = readInfo(task, infoAddr, signal);
  if (isErrno(info)) return info;
  if (tid <= 0 || tgid <= 0) return EINVAL;
  if (isForged(task, tid, info.code)) return EPERM;
  const target = task.pidNamespace.task(tid);
  if (target === null || target.process.leader.pid.in(task.pidNamespace) !== tgid) return ESRCH;
  return queue(task, target, info, true);
});
