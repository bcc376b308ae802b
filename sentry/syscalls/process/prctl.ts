import {
  PR_GET_AUXV,
  PR_GET_CHILD_SUBREAPER,
  PR_GET_DUMPABLE,
  PR_GET_IO_FLUSHER,
  PR_GET_MDWE,
  PR_GET_MEMORY_MERGE,
  PR_GET_NAME,
  PR_GET_NO_NEW_PRIVS,
  PR_GET_PDEATHSIG,
  PR_GET_SECCOMP,
  PR_GET_SPECULATION_CTRL,
  PR_GET_THP_DISABLE,
  PR_GET_TID_ADDRESS,
  PR_GET_TIMERSLACK,
  PR_GET_TIMING,
  PR_GET_TSC,
  PR_MCE_KILL,
  PR_MCE_KILL_GET,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  PR_SET_IO_FLUSHER,
  PR_SET_MDWE,
  PR_SET_MEMORY_MERGE,
  PR_SET_MM,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  PR_SET_PTRACER,
  PR_SET_SECCOMP,
  PR_SET_SPECULATION_CTRL,
  PR_SET_SYSCALL_USER_DISPATCH,
  PR_SET_THP_DISABLE,
  PR_SET_TIMERSLACK,
  PR_SET_TIMING,
  PR_SET_TSC,
  PR_SET_VMA,
  PR_TASK_PERF_EVENTS_DISABLE,
  PR_TASK_PERF_EVENTS_ENABLE,
} from "../../../syscall-tables/flags/prctl.ts";
import { TASK_COMM_LEN } from "../../../syscall-tables/limits.ts";
import { EFAULT, EINVAL, ENODEV, EPERM, isErrno } from "../../abi/errno.ts";
import { NSIG } from "../../abi/signal.ts";
import { ANON_NAME_MAX, nameMemory } from "../../mm/name-memory.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { setFilter, setStrict } from "../../task/set-seccomp.ts";
import type { Task } from "../../task/task.ts";
import { setUserDispatch } from "../../task/user-dispatch.ts";
import { implement } from "../implement.ts";
import { capabilityPrctl } from "./prctl-capability.ts";
import { getAuxv, getExecGain, setExecGain, setMemoryMerge } from "./prctl-memory.ts";
import { setMemoryMap } from "./prctl-mm.ts";

const PR_TSC_ENABLE = 1;
const PR_TSC_SIGSEGV = 2;
const PR_MCE_KILL_DEFAULT = 2;
const PR_SPEC_NOT_AFFECTED = 0;
const ALL_ONES = 2 ** 64;

const setName = (task: Task, addr: UserAddr): number => {
  const bytes = new Uint8Array(TASK_COMM_LEN);
  // The string may end at the end of what is mapped.
  const read = task.memory.readInto(addr, bytes, 0, TASK_COMM_LEN - 1);
  const end = bytes.indexOf(0);
  if (read < TASK_COMM_LEN - 1 && end >= read) return EFAULT;
  task.name = Buffer.from(bytes.subarray(0, end)).toString("latin1");
  return 0;
};

const getName = (task: Task, addr: UserAddr): number => {
  const bytes = Buffer.alloc(TASK_COMM_LEN);
  bytes.write(task.name.slice(0, TASK_COMM_LEN - 1), 0, "latin1");
  return task.memory.copyOut(addr, bytes);
};

const setTimerSlack = (task: Task, slackNs: number): number => {
  task.timerSlackNs = slackNs === 0 ? task.defaultTimerSlackNs : slackNs;
  return 0;
};

/** PR_SET_PTRACER: -1 is anybody. */
const setPtracer = (task: Task, pid: number): number => {
  const isAnybody = pid >= ALL_ONES - 1 || pid === 0xffff_ffff;
  if (pid !== 0 && !isAnybody && task.pidNamespace.task(pid) === null) return EINVAL;
  task.process.ptracerPid = isAnybody ? -1 : pid;
  return 0;
};

/** prctl(2) */
export const sys_prctl = implement(
  "prctl",
  { level: "partial", note: "hardware switches (PR_SET_TSC, speculation) are refused" },
  (task, option, arg2, arg3, arg4, arg5) => {
    const { process, memory } = task;
    switch (option) {
      case PR_SET_PDEATHSIG:
        if (arg2 > NSIG) return EINVAL;
        task.parentDeathSignal = arg2;
        return 0;
      case PR_GET_PDEATHSIG:
        return memory.storeU32(arg2, task.parentDeathSignal);
      case PR_GET_DUMPABLE:
        return process.dumpable;
      case PR_SET_DUMPABLE:
        if (arg2 > 1) return EINVAL;
        process.dumpable = arg2;
        return 0;
      case PR_SET_NAME:
        return setName(task, arg2);
      case PR_GET_NAME:
        return getName(task, arg2);
      case PR_GET_TIMING:
        return 0;
      case PR_SET_TIMING:
        return arg2 === 0 ? 0 : EINVAL;
      case PR_GET_SECCOMP:
        return task.seccomp?.mode ?? 0;
      case PR_SET_SYSCALL_USER_DISPATCH:
        return setUserDispatch(task, arg2, arg3, arg4, arg5);
      case PR_SET_SECCOMP:
        if (arg2 === 1) return setStrict(task);
        return arg2 === 2 ? setFilter(task, 0, arg3) : EINVAL;
      case PR_GET_TSC:
        return memory.storeU32(arg2, PR_TSC_ENABLE);
      case PR_SET_TSC:
        if (arg2 === PR_TSC_ENABLE) return 0;
        return arg2 === PR_TSC_SIGSEGV ? EPERM : EINVAL;
      case PR_TASK_PERF_EVENTS_DISABLE:
      case PR_TASK_PERF_EVENTS_ENABLE:
        return 0;
      case PR_GET_TIMERSLACK:
        return task.timerSlackNs;
      case PR_SET_TIMERSLACK:
        return setTimerSlack(task, arg2);
      case PR_MCE_KILL:
        return arg4 !== 0 || arg5 !== 0 || arg2 > 1 ? EINVAL : 0;
      case PR_MCE_KILL_GET:
        return arg2 !== 0 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0 ? EINVAL : PR_MCE_KILL_DEFAULT;
      case PR_SET_MM:
        return setMemoryMap(task, arg2, arg3, arg5);
      case PR_GET_TID_ADDRESS:
        return memory.storeU64(arg2, task.clearChildTidAddr);
      case PR_SET_CHILD_SUBREAPER:
        process.childSubreaper = arg2 !== 0;
        return 0;
      case PR_GET_CHILD_SUBREAPER:
        return memory.storeU32(arg2, process.childSubreaper ? 1 : 0);
      case PR_SET_NO_NEW_PRIVS:
        if (arg2 !== 1 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0) return EINVAL;
        task.noNewPrivileges = true;
        return 0;
      case PR_GET_NO_NEW_PRIVS:
        if (arg2 !== 0 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0) return EINVAL;
        return task.noNewPrivileges ? 1 : 0;
      case PR_GET_THP_DISABLE:
        if (arg2 !== 0 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0) return EINVAL;
        return process.isThpDisabled ? 1 : 0;
      case PR_SET_THP_DISABLE:
        if (arg3 !== 0 || arg4 !== 0 || arg5 !== 0) return EINVAL;
        process.isThpDisabled = arg2 !== 0;
        return 0;
      case PR_SET_MDWE:
        return setExecGain(task, arg2, arg3 === 0 && arg4 === 0 && arg5 === 0);
      case PR_GET_MDWE:
        return arg2 !== 0 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0 ? EINVAL : getExecGain(process);
      case PR_SET_MEMORY_MERGE:
        return setMemoryMerge(task, arg2, arg3 === 0 && arg4 === 0 && arg5 === 0);
      case PR_GET_MEMORY_MERGE:
        return arg2 !== 0 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0 ? EINVAL : process.mergesMemory ? 1 : 0;
      case PR_GET_SPECULATION_CTRL:
        if (arg3 !== 0 || arg4 !== 0 || arg5 !== 0) return EINVAL;
        return arg2 <= 2 ? PR_SPEC_NOT_AFFECTED : ENODEV;
      case PR_SET_SPECULATION_CTRL:
        return arg4 !== 0 || arg5 !== 0 ? EINVAL : arg2 <= 2 ? EPERM : ENODEV;
      case PR_SET_IO_FLUSHER:
      case PR_GET_IO_FLUSHER:
        return EPERM;
      case PR_SET_PTRACER:
        return setPtracer(task, arg2);
      case PR_SET_VMA:
        return nameMapping(task, arg2, arg3, arg4, arg5);
      case PR_GET_AUXV:
        return arg4 !== 0 || arg5 !== 0 ? EINVAL : getAuxv(task, arg2, arg3);
      default:
        return capabilityPrctl(task, option, arg2, arg3, arg4, arg5);
    }
  },
);

/** PR_SET_VMA_ANON_NAME; without a name the old one goes. */
const nameMapping = (task: Task, option: number, addr: UserAddr, length: number, nameAddr: UserAddr): number => {
  if (option !== 0) return EINVAL;
  const name = nameAddr === 0 ? "" : task.memory.readCString(nameAddr, ANON_NAME_MAX);
  if (isErrno(name)) return name === EFAULT ? EFAULT : EINVAL;
  return nameMemory(task.mm, addr, length, name);
};
