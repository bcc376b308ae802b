/** The child of a clone: which state is shared, which copied, which fresh (kernel/fork.c). */
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_SETTLS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
} from "../../syscall-tables/flags/process.ts";
import { type Errno, isErrno } from "../abi/errno.ts";

import { createPidfd } from "../fs/pidfd/pidfd.ts";
import { enterIpcNamespace, IpcNamespace, inheritIpcNamespace } from "../ipc/ipc-namespace.ts";
import { inheritKeys } from "../keys/task-keys.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import { enterNetwork, inheritNetwork, NetworkNamespace } from "../net/network-namespace.ts";
import type { GuestThread } from "../platform/platform.ts";
import { R_RAX, R_RSP } from "../platform/registers.ts";
import { endStep } from "../ptrace/stop.ts";
import type { FsContext } from "../vfs/fs-context.ts";
import { CgroupNamespace } from "./cgroup-namespace.ts";
import type { CloneOptions } from "./clone.ts";
import type { Credentials } from "./credentials.ts";
import { enterTimeNamespace } from "./enter-time.ts";
import { exitHooks } from "./exit-hooks.ts";
import { attachTask } from "./first-process.ts";
import { enterHostProcess, leaveHostProcess } from "./host-threads.ts";
import { watchCpuLimit } from "./interval-timers.ts";
import { joinStop } from "./job-control.ts";
import { newUserNamespace } from "./namespaces.ts";
import { PidNamespace } from "./pid-namespace.ts";
import { Process } from "./process.ts";
import type { SignalActions } from "./signal-actions.ts";
import type { Task } from "./task.ts";
import { TimeNamespace } from "./time-namespace.ts";

const has = (flags: number, flag: number): boolean => (flags & flag) !== 0;

/** Makes the task of `thread`; it does not run yet. On failure the host thread is given up. */
export const createChild = (parent: Task, options: CloneOptions, mm: AddressSpace, thread: GuestThread): Task | Errno => {
  const { flags } = options;
  const giveUp = (error: Errno): Errno => {
    mm.putUser();
    enterHostProcess(thread);
    leaveHostProcess(thread);
    return error;
  };
  const creds = has(flags, CLONE_NEWUSER) ? newUserNamespace(parent) : parent.creds;
  if (isErrno(creds)) return giveUp(creds);
  let namespace = parent.childPidNamespace;
  if (has(flags, CLONE_NEWPID)) namespace = new PidNamespace(parent.childPidNamespace, creds.userNamespace);
  const pid = namespace.allocate(options.wantedIds);
  if (isErrno(pid)) return giveUp(pid);

  const process = has(flags, CLONE_THREAD) ? parent.process : createProcess(parent, options);
  const child = attachTask({
    kernel: parent.kernel,
    pid,
    process,
    thread,
    mm,
    files: has(flags, CLONE_FILES) ? parent.files.take() : parent.files.fork(process.limits),
    fs: childFs(parent, flags, creds),
    uts: has(flags, CLONE_NEWUTS) ? parent.uts.fork(creds.userNamespace) : parent.uts,
    creds,
    name: parent.name,
  });
  inherit(parent, child, flags);
  if (process.leader === child) watchCpuLimit(process);
  if (process.leader === child && namespace.init === null && pid.numbers[namespace.level] === 1) {
    namespace.init = process;
    process.isUnkillable = true;
  }
  setRegisters(thread, options);
  // A step of the parent is not the child's.
  child.hasForcedStep = parent.hasForcedStep;
  endStep(child);
  publishIds(parent, child, options);
  if (has(flags, CLONE_NEWNET)) enterNetwork(child, new NetworkNamespace(child.kernel, creds.userNamespace));
  else inheritNetwork(child, parent);
  if (has(flags, CLONE_NEWIPC)) enterIpcNamespace(child, new IpcNamespace(child.kernel, creds.userNamespace));
  else inheritIpcNamespace(child, parent);
  if (has(flags, CLONE_NEWCGROUP)) child.cgroupNamespace = new CgroupNamespace(creds.userNamespace);
  else child.cgroupNamespace = parent.cgroupNamespace;
  inheritTime(parent, child, flags, creds);
  if (has(flags, CLONE_SYSVSEM)) exitHooks.shareSemaphoreUndo?.(parent, child);
  return child;
};

/** copy_namespaces: who shares his parent's memory shares its clocks until execve(2). */
const inheritTime = (parent: Task, child: Task, flags: number, creds: Credentials): void => {
  child.timeNamespace = parent.timeNamespace;
  child.childTimeNamespace = parent.childTimeNamespace;
  if (has(flags, CLONE_NEWTIME)) child.childTimeNamespace = new TimeNamespace(creds.userNamespace, parent.childTimeNamespace);
  if (!has(flags, CLONE_VM) && child.childTimeNamespace !== child.timeNamespace) enterTimeNamespace(child, child.childTimeNamespace);
};

const createProcess = (parent: Task, options: CloneOptions): Process => {
  const { flags } = options;
  const from = parent.process;
  const isSibling = has(flags, CLONE_PARENT);
  const process = new Process({
    kernel: parent.kernel,
    parent: isSibling ? from.parent : from,
    group: from.group,
    limits: from.limits.fork(),
    actions: childActions(from.actions, options),
  });
  process.parentTask = isSibling ? from.parentTask : parent;
  process.exitSignal = isSibling ? from.exitSignal : options.exitSignal;
  process.dumpable = from.dumpable;
  process.coreFilter = from.coreFilter;
  process.oomScoreAdj = from.oomScoreAdj;
  process.isThpDisabled = from.isThpDisabled;
  process.refusesExecGain = from.refusesExecGain && from.inheritsExecGain;
  process.mergesMemory = from.mergesMemory;
  process.exePath = from.exePath;
  process.container = from.container;
  process.hasNoTerminal = from.hasNoTerminal;
  return process;
};

const childActions = (actions: SignalActions, options: CloneOptions): SignalActions => {
  if (has(options.flags, CLONE_SIGHAND)) {
    actions.users++;
    return actions;
  }
  const copy = actions.fork();
  if (options.clearsHandlers) copy.reset();
  return copy;
};

const childFs = (parent: Task, flags: number, creds: Credentials): FsContext => {
  if (has(flags, CLONE_FS)) return parent.fs.take();
  const fs = parent.fs.fork();
  if (has(flags, CLONE_NEWNS)) fs.unshareMounts(creds.userNamespace);
  return fs;
};

const inherit = (parent: Task, child: Task, flags: number): void => {
  child.signals.maskLo = parent.signals.maskLo;
  child.signals.maskHi = parent.signals.maskHi;
  // Two threads must not run handlers on one alternate stack; a vfork child runs alone.
  if (!has(flags, CLONE_VM) || has(flags, CLONE_VFORK)) Object.assign(child.signals.altStack, parent.signals.altStack);
  else child.signals.clearAltStack();
  child.noNewPrivileges = parent.noNewPrivileges;
  child.seccomp = parent.seccomp;
  child.personality = parent.personality;
  child.timerSlackNs = parent.timerSlackNs;
  child.defaultTimerSlackNs = parent.timerSlackNs;
  inheritKeys(parent, child, flags);
  child.scheduling.inherit(parent.scheduling);
  child.thread.setCpus?.(child.scheduling.affinity);
  // A thread that joins a process about to end or to stop takes part in it.
  if (child.process !== parent.process) return;
  child.isKilled = child.process.groupExitStatus !== null;
  if (child.process.stopsAwaited > 0 || child.process.isStopped) joinStop(child);
};

const setRegisters = (thread: GuestThread, options: CloneOptions): void => {
  const { regs } = thread;
  regs.setHalves(R_RAX, 0, 0);
  if (options.stackAddr !== 0) regs.set(R_RSP, options.stackAddr);
  if (has(options.flags, CLONE_SETTLS)) regs.fsBase = options.tlsAddr;
};

/**
 * Ids go straight to memory: with CLONE_VM the child may look before the parent's call returns. In memory of its own the child
 * puts its id by itself (schedule_tail): the host copies the page for it anyway.
 */
const publishIds = (parent: Task, child: Task, options: CloneOptions): void => {
  const { flags } = options;
  const parentMemory = parent.thread.process.memory;
  if (has(flags, CLONE_PIDFD)) {
    const file = createPidfd(child.process, 0);
    const fd = parent.files.install(file, true);
    if (fd < 0) file.put();
    else parentMemory.storeU32(options.pidfdAddr, fd);
  }
  if (has(flags, CLONE_PARENT_SETTID)) parentMemory.storeU32(options.parentTidAddr, child.pid.in(parent.pidNamespace));
  if (has(flags, CLONE_CHILD_SETTID)) {
    const isOwn = !has(flags, CLONE_VM) && child.mm.find(options.childTidAddr)?.file === null;
    (isOwn ? child.thread : child.thread.process).memory.storeU32(options.childTidAddr, child.pid.in(child.pidNamespace));
  }
  if (has(flags, CLONE_CHILD_CLEARTID)) child.clearChildTidAddr = options.childTidAddr;
};
