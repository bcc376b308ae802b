import {
  PTRACE_ARCH_PRCTL,
  PTRACE_ATTACH,
  PTRACE_GET_RSEQ_CONFIGURATION,
  PTRACE_GET_SYSCALL_INFO,
  PTRACE_GETEVENTMSG,
  PTRACE_GETFPREGS,
  PTRACE_GETREGS,
  PTRACE_GETREGSET,
  PTRACE_GETSIGINFO,
  PTRACE_GETSIGMASK,
  PTRACE_INTERRUPT,
  PTRACE_KILL,
  PTRACE_LISTEN,
  PTRACE_O_SUSPEND_SECCOMP,
  PTRACE_PEEKDATA,
  PTRACE_PEEKSIGINFO,
  PTRACE_PEEKTEXT,
  PTRACE_PEEKUSR,
  PTRACE_POKEDATA,
  PTRACE_POKETEXT,
  PTRACE_POKEUSR,
  PTRACE_SEIZE,
  PTRACE_SETFPREGS,
  PTRACE_SETOPTIONS,
  PTRACE_SETREGS,
  PTRACE_SETREGSET,
  PTRACE_SETSIGINFO,
  PTRACE_SETSIGMASK,
  PTRACE_TRACEME,
  ptraceOptionsFlags,
} from "../../../syscall-tables/flags/ptrace.ts";
import { SIGKILL } from "../../../syscall-tables/flags/signal.ts";
import { CAP_SYS_ADMIN, CAP_SYS_PTRACE } from "../../../syscall-tables/flags/system.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";

import { EFAULT, EINVAL, EIO, EPERM, type Errno, ESRCH } from "../../abi/errno.ts";

import { goOn, interrupt, listen } from "../../ptrace/go-on.ts";
import { attach, link, mayBeTracedBy } from "../../ptrace/link.ts";
import { getFpRegs, getUserRegs, moveRegset, setAllUserRegs, setFpRegs } from "../../ptrace/regsets.ts";
import { getSignalInfo, getSignalMask, peekSignals, setSignalInfo, setSignalMask } from "../../ptrace/signals.ts";
import { syscallInfo } from "../../ptrace/syscall-info.ts";
import { peek, peekUser, poke, pokeUser } from "../../ptrace/words.ts";
import { kernelSignal, sendSignalToTask } from "../../task/signals.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { archPrctl } from "./arch_prctl.ts";

/** struct ptrace_rseq_configuration: all zero without an area. */
const RSEQ_CONFIGURATION_SIZE = 24;
const KNOWN_OPTIONS = ptraceOptionsFlags.bits.reduce((mask, [, bit]) => mask | bit, 0);

/** PTRACE_TRACEME */
const traceMe = (task: Task): number => {
  const { parent, parentTask } = task.process;
  if (task.trace !== null || parent === null || parent.isExiting) return EPERM;
  const tracer = parentTask ?? parent.anyTask;
  const isStronger =
    task.creds.capPermitted.isSubsetOf(tracer.creds.capPermitted) || tracer.creds.hasIn(task.creds.userNamespace, CAP_SYS_PTRACE);
  if (!isStronger || !mayBeTracedBy(task, tracer)) return EPERM;
  link(task, tracer, false);
  return 0;
};

/** check_ptrace_options */
const checkOptions = (task: Task, options: number): 0 | Errno => {
  if (options >= TWO_32 || (options & ~KNOWN_OPTIONS) !== 0) return EINVAL;
  if ((options & PTRACE_O_SUSPEND_SECCOMP) === 0) return 0;
  return task.creds.has(CAP_SYS_ADMIN) && task.seccomp === null ? 0 : EPERM;
};

const copyPart = (task: Task, bytes: Uint8Array, size: number, addr: number): number =>
  task.memory.copyOut(addr, bytes.subarray(0, Math.min(bytes.length, size))) < 0 ? EFAULT : bytes.length;

/** Requests for a task that stands still. */
const onStopped = (task: Task, tracee: Task, request: number, addr: number, data: number): number => {
  const { trace } = tracee;
  if (trace === null) return ESRCH;
  switch (request) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
      return peek(task, tracee, addr, data);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
      return poke(task, tracee, addr);
    case PTRACE_PEEKUSR:
      return peekUser(task, tracee, addr, data);
    case PTRACE_POKEUSR:
      return pokeUser(task, tracee, addr);
    case PTRACE_GETREGS:
      return getUserRegs(task, tracee, data);
    case PTRACE_SETREGS:
      return setAllUserRegs(task, tracee, data);
    case PTRACE_GETFPREGS:
      return getFpRegs(task, tracee, data);
    case PTRACE_SETFPREGS:
      return setFpRegs(task, tracee, data);
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
      return moveRegset(task, tracee, addr, data, request === PTRACE_SETREGSET);
    case PTRACE_SETOPTIONS: {
      const refused = checkOptions(task, data);
      if (refused === 0) trace.options = data;
      return refused;
    }
    case PTRACE_GETEVENTMSG:
      return task.memory.storeU64(data, trace.eventMessage);
    case PTRACE_GETSIGINFO:
      return getSignalInfo(task, tracee, data);
    case PTRACE_SETSIGINFO:
      return setSignalInfo(task, tracee, data);
    case PTRACE_PEEKSIGINFO:
      return peekSignals(task, tracee, addr, data);
    case PTRACE_GETSIGMASK:
      return getSignalMask(task, tracee, addr, data);
    case PTRACE_SETSIGMASK:
      return setSignalMask(task, tracee, addr, data);
    case PTRACE_GET_SYSCALL_INFO:
      return copyPart(task, syscallInfo(tracee), addr, data);
    case PTRACE_GET_RSEQ_CONFIGURATION:
      return copyPart(task, new Uint8Array(RSEQ_CONFIGURATION_SIZE), addr, data);
    case PTRACE_ARCH_PRCTL:
      return archPrctl(task, tracee, data, addr);
    case PTRACE_LISTEN:
      return listen(tracee);
    default:
      return goOn(tracee, request, data);
  }
};

/** ptrace(2) */
export const sys_ptrace = implement(
  "ptrace",
  {
    level: "partial",
    note: "debug registers work by stepping: watches notice changes only; no PTRACE_SINGLEBLOCK, no dump of seccomp filters",
  },
  (task, request, pid, addr, data) => {
    if (request === PTRACE_TRACEME) return traceMe(task);
    const tracee = pid > 0 ? task.pidNamespace.task(pid) : null;
    if (tracee === null) return ESRCH;
    if (request === PTRACE_ATTACH) return attach(task, tracee, false, 0);
    if (request === PTRACE_SEIZE) return addr !== 0 ? EIO : checkOptions(task, data) || attach(task, tracee, true, data);
    if (tracee.trace?.tracer !== task) return ESRCH;
    if (request === PTRACE_KILL) {
      if (!tracee.isDead) sendSignalToTask(tracee, kernelSignal(SIGKILL));
      return 0;
    }
    if (tracee.isDead) return ESRCH;
    if (request === PTRACE_INTERRUPT) return interrupt(tracee);
    if (!tracee.trace.isStopped || tracee.trace.stop?.isListening) return ESRCH;
    return onStopped(task, tracee, request, addr, data);
  },
);
