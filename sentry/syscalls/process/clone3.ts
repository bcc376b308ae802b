import {
  CLONE_CLEAR_SIGHAND,
  CLONE_DETACHED,
  CLONE_INTO_CGROUP,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_PARENT,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CSIGNAL,
} from "../../../syscall-tables/flags/process.ts";
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { E2BIG, EBADF, EEXIST, EFAULT, EINVAL, EPERM, type Errno, isErrno } from "../../abi/errno.ts";
import { NSIG } from "../../abi/signal.ts";
import { USER_ADDR_LIMIT } from "../../mm/user-memory.ts";
import { type CloneOptions, clone } from "../../task/clone.ts";
import { MAX_PID_NAMESPACE_LEVEL, PID_MAX } from "../../task/pid-namespace.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** The flags above 32 bits are compared in the high half. */
const CLONE_CLEAR_SIGHAND_HI = CLONE_CLEAR_SIGHAND / 2 ** 32;
const CLONE_INTO_CGROUP_HI = CLONE_INTO_CGROUP / 2 ** 32;
const CLONE_ARGS_SIZE_VER0 = 64;
const CLONE_ARGS_SIZE = 88;

/** set_tid: ids for the child, the innermost namespace's first. */
const readWantedIds = (task: Task, addr: number, count: number, isNewNamespace: boolean): number[] | Errno => {
  if (count > MAX_PID_NAMESPACE_LEVEL || (addr === 0) !== (count === 0)) return EINVAL;
  if (count === 0) return [];
  const view = task.memory.viewIn(addr, count * 4);
  if (isErrno(view)) return EFAULT;
  let namespace = task.childPidNamespace;
  if (count > namespace.level + (isNewNamespace ? 2 : 1)) return EINVAL;
  const ids: number[] = [];
  for (let i = 0; i < count; i++) {
    const id = view.getInt32(i * 4, true);
    if (i === 0 && isNewNamespace) {
      // The namespace is still to be made: who makes it may do so, and its first process is 1.
      if (id !== 1) return EINVAL;
      ids.push(id);
      continue;
    }
    if (id < 1 || id >= PID_MAX || (id !== 1 && namespace.init === null)) return EINVAL;
    const { creds } = task;
    if (!creds.hasIn(namespace.userNamespace, CAP_SYS_ADMIN) && !creds.hasIn(namespace.userNamespace, CAP_CHECKPOINT_RESTORE)) return EPERM;
    if (namespace.pid(id) !== null) return EEXIST;
    ids.push(id);
    if (namespace.parent !== null) namespace = namespace.parent;
  }
  return ids;
};

/** copy_clone_args_from_user and clone3_args_valid. */
const readArguments = (task: Task, addr: number, size: number): CloneOptions | Errno => {
  if (size > 4096) return E2BIG;
  if (size < CLONE_ARGS_SIZE_VER0) return EINVAL;
  const bytes = task.memory.copyIn(addr, size);
  if (isErrno(bytes)) return EFAULT;
  // A longer struct than ours may only hold zeros in what we do not know.
  if (bytes.subarray(CLONE_ARGS_SIZE).some((byte) => byte !== 0)) return E2BIG;
  const whole = new Uint8Array(CLONE_ARGS_SIZE);
  whole.set(bytes.subarray(0, CLONE_ARGS_SIZE));
  const view = new DataView(whole.buffer);
  const u64 = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  const flags = view.getUint32(0, true);
  const flagsHi = view.getUint32(4, true);
  const exitSignal = u64(32);
  const stackAddr = u64(40);
  const stackSize = u64(48);
  const wantedIds = readWantedIds(task, u64(64), u64(72), (flags & CLONE_NEWPID) !== 0);
  if (isErrno(wantedIds)) return wantedIds;
  if (exitSignal > NSIG) return EINVAL;
  if ((flagsHi & ~(CLONE_CLEAR_SIGHAND_HI | CLONE_INTO_CGROUP_HI)) !== 0) return EINVAL;
  if ((flagsHi & CLONE_INTO_CGROUP_HI) !== 0) return u64(80) >= 2 ** 31 ? EINVAL : EBADF;
  if ((flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) !== 0) return EINVAL;
  const clearsHandlers = (flagsHi & CLONE_CLEAR_SIGHAND_HI) !== 0;
  if (clearsHandlers && (flags & CLONE_SIGHAND) !== 0) return EINVAL;
  if ((flags & (CLONE_THREAD | CLONE_PARENT)) !== 0 && exitSignal !== 0) return EINVAL;
  if ((stackAddr === 0) !== (stackSize === 0) || stackAddr + stackSize > USER_ADDR_LIMIT) return EINVAL;
  return {
    flags,
    clearsHandlers,
    exitSignal,
    stackAddr: stackAddr + stackSize,
    tlsAddr: u64(56),
    parentTidAddr: u64(24),
    childTidAddr: u64(16),
    pidfdAddr: u64(8),
    wantedIds,
  };
};

/** clone3(2) */
export const sys_clone3 = implement("clone3", { level: "partial", note: "no CLONE_INTO_CGROUP" }, (task, uargs, size) => {
  const options = readArguments(task, uargs, size);
  return isErrno(options) ? options : clone(task, options);
});
