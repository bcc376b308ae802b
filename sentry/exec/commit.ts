/** Behind the point of no return: the process takes its new program (begin_new_exec, setup_new_exec). */

import { ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC } from "../../syscall-tables/flags/prctl.ts";
import { RLIMIT_STACK } from "../../syscall-tables/flags/process.ts";
import { SIGCHLD } from "../../syscall-tables/flags/signal.ts";
import { isErrno } from "../abi/errno.ts";

import { keysAfterExec } from "../keys/task-keys.ts";
import { DEFAULT_STACK_LIMIT } from "../mm/layout.ts";
import type { GuestThread } from "../platform/platform.ts";
import { enterTimeNamespace, useOwnClocks } from "../task/enter-time.ts";
import { enterHostProcess, hostThreadCount } from "../task/host-threads.ts";
import type { Task } from "../task/task.ts";
import { releaseAddressSpace } from "../task/thread-end.ts";
import { MAY_READ, mayAccess } from "../vfs/permission.ts";
import { buildAddressSpace } from "./build.ts";
import type { Loaded } from "./load.ts";

/** Starts `loaded` on the pristine `thread` in place of the task's old program. 0, or an errno that the process dies of. */
export const commitProgram = (task: Task, thread: GuestThread, loaded: Loaded): number => {
  const { process } = task;
  const { credentials } = loaded;
  task.personality &= ~(credentials.personalityClear | READ_IMPLIES_EXEC);
  if (credentials.isSecure) limitStack(task);
  const mm = buildAddressSpace(task.kernel, thread, loaded, {
    limits: process.limits,
    isRandomized: (task.personality & ADDR_NO_RANDOMIZE) === 0,
  });
  if (isErrno(mm)) {
    if (thread !== task.thread) thread.process.kill();
    return mm;
  }
  task.leaveRings();
  if (thread === task.thread) {
    // The host process is kept, or this is the first program of one that no fork has made.
    releaseAddressSpace(task);
    task.mm.putUser();
    task.mm = mm;
    task.debugRegisters = null;
  } else {
    task.replaceThread(thread, mm);
    if (hostThreadCount(thread.process) === 0) enterHostProcess(thread);
  }
  if (task.childTimeNamespace !== task.timeNamespace) enterTimeNamespace(task, task.childTimeNamespace);
  else if (!task.timeNamespace.isHostTime) useOwnClocks(task.kernel.platform, task.thread);
  unshareFiles(task);
  process.exePath = loaded.program.file.path;
  process.hasExeced = true;
  process.exitSignal = SIGCHLD;
  process.posixTimers?.deleteAll();
  process.resetSignalHandlers();
  task.restartBlock = null;
  task.name = loaded.taskName;
  task.timerSlackNs = task.defaultTimerSlackNs;
  takeCredentials(task, loaded);
  keysAfterExec(task);
  // Last, as Linux does: a program that must not keep an fd may still be read through it above.
  task.files.closeOnExec(task);
  return 0;
};

/** A set-id program does not get a stack limit chosen by its caller to steer its layout. */
const limitStack = (task: Task): void => {
  const limit = task.process.limits.get(RLIMIT_STACK);
  if (limit.soft > DEFAULT_STACK_LIMIT) task.process.limits.set(RLIMIT_STACK, { soft: DEFAULT_STACK_LIMIT, hard: limit.hard });
};

const unshareFiles = (task: Task): void => {
  const shared = task.files;
  if (shared.references === 1) return;
  task.files = shared.fork(task.process.limits);
  shared.put(task);
};

/** Whether others of its user may look into the program (would_dump, begin_new_exec). */
export const isDumpableAfter = ({ creds }: Task, { credentials, program }: Loaded): boolean => {
  const isForeign = creds.euid !== creds.uid || creds.egid !== creds.gid;
  return !credentials.isSecure && !credentials.hasChanged && !isForeign && mayAccess(program.file.inode, creds, MAY_READ) === 0;
};

const takeCredentials = (task: Task, loaded: Loaded): void => {
  const { process } = task;
  const { credentials } = loaded;
  if (credentials.isSecure || credentials.hasChanged) task.parentDeathSignal = 0;
  process.dumpable = isDumpableAfter(task, loaded) ? 1 : 0;
  task.userDispatch = null;
  process.refusesExecGain &&= process.inheritsExecGain;
  task.creds = credentials.creds;
};
