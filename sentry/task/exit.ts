/** The end of tasks and processes (kernel/exit.c). Called only where no handler of the task is half done. */
import { CLD_DUMPED, CLD_EXITED, CLD_KILLED, SA_NOCLDWAIT, SIG_IGN, SIGCHLD, SIGKILL } from "../../syscall-tables/flags/signal.ts";
import { ESRCH } from "../abi/errno.ts";
import { isValidSignal } from "../abi/signal.ts";
import { signalStatus, WCOREFLAG } from "../abi/wait.ts";
import { dropKeys } from "../keys/task-keys.ts";
import { detachAll, unlink } from "../ptrace/link.ts";
import { stopBeforeEnd } from "../ptrace/stop.ts";
import { PTRACE_EVENT_EXIT } from "../ptrace/trace.ts";
import { BLOCKED } from "./blocking.ts";
import { childSignal } from "./child-signal.ts";
import { exitHooks } from "./exit-hooks.ts";
import { exitGroup } from "./exit-request.ts";
import { forgetHostThread, hostThreadCount, leaveHostProcess } from "./host-threads.ts";
import { hangUpIfOrphaned, stopReached } from "./job-control.ts";
import type { PidNamespace } from "./pid-namespace.ts";
import type { Process } from "./process.ts";
import { sendSignalToProcess, userSignal } from "./signals.ts";
import type { Task } from "./task.ts";
import { releaseAddressSpace } from "./thread-end.ts";
import { usageOfTask } from "./usage.ts";

export { exitGroup, exitTask, killOtherThreads } from "./exit-request.ts";

/** A killed task is at a point where it can end: with its whole process, or alone. */
export const endKilledTask = (task: Task): void => {
  if (task.process.groupExitStatus !== null) endThreads(task.process, [...task.process.tasks.values()]);
  else endThreads(task.process, [task]);
};

/**
 * Ends those of `tasks` that can end now. A thread that runs guest code has to be stopped
 * first, unless its host process dies as a whole; a call that must not be cut short (a host
 * clone under way) is waited for.
 */
const endThreads = (process: Process, tasks: readonly Task[]): void => {
  const ending: Task[] = [];
  for (const task of tasks) {
    if (task.op !== null && task.op.interrupted(task) === BLOCKED) continue;
    if (task.op !== null) task.endBlocked();
    if (isHeldByTracer(task, process)) continue;
    task.isParked = false;
    ending.push(task);
  }
  if (ending.length === 0) return;
  const host = ending[0].thread.process;
  const diesAtOnce = hostThreadCount(host) === ending.length && ending.every((task) => task.thread.process === host);
  for (const task of ending) {
    if (diesAtOnce) {
      endTask(task);
      forgetHostThread(task.thread);
    } else if (task.thread.isRunning) task.thread.interrupt();
    else {
      endTask(task);
      leaveHostProcess(task.thread);
    }
  }
  if (diesAtOnce) host.kill();
  if (process.tasks.size === 0) endProcess(process);
};

/** The tracer looks at a dying task before it goes (PTRACE_EVENT_EXIT). */
const isHeldByTracer = (task: Task, process: Process): boolean => {
  const { trace } = task;
  if (trace === null) return false;
  if (trace.stop?.kind === "end") return true;
  if (trace.wantsEvent(PTRACE_EVENT_EXIT) && !trace.hasReportedEnd && task.thread.isRunning) {
    task.thread.interrupt();
    return true;
  }
  trace.stop = null;
  return stopBeforeEnd(task, task.exitStatus ?? process.groupExitStatus ?? signalStatus(SIGKILL));
};

/** do_exit, up to the point where the parent is told. */
const endTask = (task: Task): void => {
  const { process, kernel } = task;
  task.exitStatus ??= process.groupExitStatus ?? signalStatus(SIGKILL);
  task.leaveRings();
  releaseAddressSpace(task);
  exitHooks.taskExit?.(task);
  task.trace?.awaited?.finish(ESRCH);
  for (const tracee of detachAll(task)) endTrace(tracee);
  const usage = usageOfTask(task);
  Object.assign(task.usage, usage);
  task.isDead = true;
  process.tasks.delete(task.tid);
  // The last thread's status is the process's (synchronize_group_exit).
  if (process.tasks.size === 0) process.groupExitStatus ??= task.exitStatus;
  process.usage.add(usage);
  stopReached(task);
  task.seccomp?.taskGone(task);
  dropKeys(task);
  task.signals.pending.discard(0xffff_ffff, 0xffff_ffff);
  task.files.put(task);
  task.fs.put();
  task.mm.putUser();
  kernel.pids.users.of(task.creds.uid).tasks--;
  leaveChildren(task);
  if (!task.isLeader && !awaitsTracer(task)) releaseId(task);
  process.threadsExited.notify();
};

/** A traced thread's status is its tracer's to fetch, until then it keeps its id. */
const awaitsTracer = (task: Task): boolean => {
  const { trace } = task;
  if (trace === null) return false;
  trace.isZombie = true;
  trace.stop = null;
  if (!tellOfEnd(task, trace.tracer.process, SIGCHLD, task.exitStatus ?? 0)) return true;
  unlink(task);
  return false;
};

/** The tracer has fetched a dead task's status, or is gone itself: whose turn is it now? */
export const endTrace = (task: Task): void => {
  const { process } = task;
  const isFetched = task.trace !== null && task.trace.tracer.process === process.parent;
  unlink(task);
  if (!task.isLeader) releaseId(task);
  else if (process.isZombie && (isFetched || notifyParent(process))) reapProcess(process);
};

const releaseId = (task: Task): void => {
  if (task.pid.task === task) task.pid.task = null;
  task.pid.releaseIfUnused();
};

/** reparent_leader's first half: children of a thread go to a sibling, and those that asked get their signal. */
const leaveChildren = (task: Task): void => {
  const { process } = task;
  for (const child of process.children) {
    if (child.parentTask !== task) continue;
    child.parentTask = process.tasks.size > 0 ? process.anyTask : null;
    for (const childTask of child.tasks.values()) {
      const signal = childTask.parentDeathSignal;
      if (signal !== 0) sendSignalToProcess(child, userSignal(signal, task, childTask));
    }
  }
};

/** exit_notify: the last thread is gone. */
const endProcess = (process: Process): void => {
  process.exitStatus = process.groupExitStatus ?? signalStatus(SIGKILL);
  process.intervalTimers?.cancelAll();
  process.posixTimers?.deleteAll();
  process.pending.discard(0xffff_ffff, 0xffff_ffff);
  process.actions.users--;
  exitHooks.processExit?.(process);
  process.exePath = null;
  const { session } = process;
  if (session.leader === process) {
    exitHooks.sessionLeaderExit?.(session);
    session.leader = null;
    session.tty = null;
    session.foreground = null;
  }
  if (process.isNamespaceInit) endNamespace(process);
  giveAwayChildren(process);
  const { parent, group } = process;
  if (parent !== null && parent.group !== group && parent.session === session) hangUpIfOrphaned(group, process);
  process.isZombie = true;
  process.isStopped = false;
  process.hasStopReport = false;
  process.hasContinueReport = false;
  if (notifyParent(process)) reapProcess(process);
  process.exited.notify();
};

/** zap_pid_ns_processes: without its init a namespace ends. */
const endNamespace = (init: Process): void => {
  const namespace: PidNamespace = init.pidNamespace;
  namespace.isDying = true;
  for (const process of [...namespace.processes()]) if (process !== init) exitGroup(process, signalStatus(SIGKILL));
};

/** find_new_reaper: the nearest ancestor that wants orphans, else the namespace's init. */
const findReaper = (process: Process): Process | null => {
  const { init } = process.pidNamespace;
  for (let at = process.parent; at !== null && at !== init; at = at.parent) {
    if (at.childSubreaper && !at.isExiting && at.pidNamespace === process.pidNamespace) return at;
  }
  return init === process || init?.isZombie === true ? null : init;
};

const giveAwayChildren = (process: Process): void => {
  if (process.children.size === 0) return;
  const reaper = findReaper(process);
  const children = [...process.children];
  process.children.clear();
  for (const child of children) {
    child.parent = reaper;
    child.parentTask = reaper?.leader ?? null;
    child.exitSignal = SIGCHLD;
    reaper?.children.add(child);
    if (child.isZombie) {
      if (notifyParent(child)) reapProcess(child);
    } else if (child.group !== process.group && child.session === process.session) hangUpIfOrphaned(child.group, null);
  }
};

/** do_notify_parent. True: nobody will wait for it, reap at once. */
const notifyParent = (process: Process): boolean => {
  const { parent, leader, exitStatus } = process;
  const tracer = leader.trace?.tracer.process ?? parent;
  if (tracer !== null && tracer !== parent) {
    if (tellOfEnd(leader, tracer, SIGCHLD, exitStatus)) endTrace(leader);
    return false;
  }
  return parent === null ? !process.isHostChild : tellOfEnd(leader, parent, process.exitSignal, exitStatus);
};

/** Signals and wakes `receiver`. True: it does not want to fetch the status. */
const tellOfEnd = (task: Task, receiver: Process, exitSignal: number, status: number): boolean => {
  let signal = exitSignal;
  let isUnwanted = false;
  if (signal === SIGCHLD) {
    const action = receiver.actions.get(SIGCHLD);
    isUnwanted = action.handlerAddr === SIG_IGN || (action.flags & SA_NOCLDWAIT) !== 0;
    if (action.handlerAddr === SIG_IGN) signal = 0;
  }
  // clone(2) takes any byte for it (do_notify_parent: valid_signal).
  if (signal !== 0 && isValidSignal(signal)) {
    const killer = status & 0x7f;
    const code = killer === 0 ? CLD_EXITED : (status & WCOREFLAG) !== 0 ? CLD_DUMPED : CLD_KILLED;
    sendSignalToProcess(receiver, childSignal(task, receiver, signal, code, killer === 0 ? status >> 8 : killer));
  }
  receiver.childExited.notify();
  return isUnwanted;
};

/** release_task of a zombie: its ids become free. */
export const reapProcess = (process: Process): void => {
  if (process.isReaped) return;
  process.isReaped = true;
  unlink(process.leader);
  process.parent?.children.delete(process);
  const { leader } = process;
  process.group.remove(process);
  if (process.pidNamespace.init === process) process.pidNamespace.init = null;
  releaseId(leader);
  process.exited.notify();
};
