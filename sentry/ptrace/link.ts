/** Who traces whom (kernel/ptrace.c: __ptrace_link, __ptrace_unlink, ptrace_attach, exit_ptrace). */

import { PTRACE_O_EXITKILL } from "../../syscall-tables/flags/ptrace.ts";
import { SIGKILL, SIGSTOP } from "../../syscall-tables/flags/signal.ts";
import { CAP_SYS_PTRACE } from "../../syscall-tables/flags/system.ts";

import { EPERM, type Errno } from "../abi/errno.ts";

import { joinStop } from "../task/job-control.ts";
import { mayInspect } from "../task/permission.ts";
import { kernelSignal, sendSignalToTask } from "../task/signals.ts";
import type { Task } from "../task/task.ts";
import { release } from "./stop.ts";
import { Trace } from "./trace.ts";

export const PTRACE_SCOPE_CLASSIC = 0;
export const PTRACE_SCOPE_RELATIONAL = 1;
export const PTRACE_SCOPE_CAPABILITY = 2;
export const PTRACE_SCOPE_NO_ATTACH = 3;

/** /proc/sys/kernel/yama/ptrace_scope. */
export const ptraceScope = { value: PTRACE_SCOPE_CLASSIC };

/** task_is_descendant, by processes. */
const isDescendant = (task: Task, ancestor: Task): boolean => {
  for (let at = task.process.parent; at !== null; at = at.parent) if (at === ancestor.process) return true;
  return false;
};

/** ptracer_exception_found: the target asked for this tracer (PR_SET_PTRACER), or for one of its ancestors. */
const isInvited = (tracer: Task, target: Task): boolean => {
  const { ptracerPid } = target.process;
  if (ptracerPid === -1) return true;
  const invited = ptracerPid === 0 ? null : target.pidNamespace.task(ptracerPid);
  return invited !== null && (invited.process === tracer.process || isDescendant(tracer, invited));
};

/** yama_ptrace_access_check */
const isInScope = (tracer: Task, target: Task): boolean => {
  const scope = ptraceScope.value;
  if (scope === PTRACE_SCOPE_CLASSIC) return true;
  if (scope >= PTRACE_SCOPE_NO_ATTACH) return false;
  if (tracer.creds.hasIn(target.creds.userNamespace, CAP_SYS_PTRACE)) return true;
  return scope === PTRACE_SCOPE_RELATIONAL && (isDescendant(target, tracer) || isInvited(tracer, target));
};

/** yama_ptrace_traceme */
export const mayBeTracedBy = (task: Task, tracer: Task): boolean => {
  if (tracer.creds.landlock !== null && !tracer.creds.landlock.contains(task.creds.landlock)) return false;
  if (ptraceScope.value < PTRACE_SCOPE_CAPABILITY) return true;
  return ptraceScope.value === PTRACE_SCOPE_CAPABILITY && tracer.creds.hasIn(task.creds.userNamespace, CAP_SYS_PTRACE);
};

export const link = (task: Task, tracer: Task, isSeized: boolean): Trace => {
  const trace = new Trace(tracer, isSeized);
  task.trace = trace;
  tracer.tracees ??= new Set();
  tracer.tracees.add(task);
  task.thread.process.keepCode?.(true);
  return trace;
};

/** Forgets the tracer; what the task does next is the caller's business. */
export const unlink = (task: Task): void => {
  const { trace } = task;
  if (trace === null) return;
  trace.tracer.tracees?.delete(task);
  task.trace = null;
  if (!task.isDead && ![...task.process.tasks.values()].some((other) => other.trace !== null)) task.thread.process.keepCode?.(false);
};

/** ptrace_init_task: a tracee's child is traced from its first instruction on. */
export const traceChild = (parent: Trace, child: Task): void => {
  const trace = link(child, parent.tracer, parent.isSeized);
  trace.options = parent.options;
  if (trace.isSeized) trace.isStopDue = true;
  else child.signals.pending.mark(SIGSTOP);
};

/** PTRACE_ATTACH and PTRACE_SEIZE. */
export const attach = (tracer: Task, task: Task, isSeized: boolean, options: number): 0 | Errno => {
  if (task.process === tracer.process) return EPERM;
  if (!mayInspect(tracer, task) || !isInScope(tracer, task)) return EPERM;
  if (task.isDead || task.trace !== null) return EPERM;
  const trace = link(task, tracer, isSeized);
  trace.options = options;
  // One that is stopped already changes into a stop for its tracer.
  const isStopped = task.isParked;
  if (!isSeized) sendSignalToTask(task, kernelSignal(SIGSTOP));
  if (isStopped) {
    task.isStopPending = false;
    trace.isStopDue = true;
    task.kernel.schedule(task);
  }
  return 0;
};

/** __ptrace_unlink: the task goes on, or stops with its group. */
export const detach = (task: Task, signal: number): void => {
  const { trace, process } = task;
  if (trace === null) return;
  const wasStopped = trace.isStopped;
  if (wasStopped) release(task, signal, "run", false);
  unlink(task);
  if (!wasStopped || task.isKilled || process.isExiting) return;
  if (process.isStopped || process.stopsAwaited > 0) joinStop(task);
};

/** exit_ptrace: without their tracer they run on, or die with it. Returns those that were waiting to be fetched. */
export const detachAll = (tracer: Task): Task[] => {
  const zombies: Task[] = [];
  const { tracees } = tracer;
  if (tracees === null) return zombies;
  for (const task of [...tracees]) {
    if (((task.trace?.options ?? 0) & PTRACE_O_EXITKILL) !== 0 && !task.isDead) sendSignalToTask(task, kernelSignal(SIGKILL));
    if (task.isDead) {
      unlink(task);
      zombies.push(task);
    } else detach(task, 0);
  }
  return zombies;
};
