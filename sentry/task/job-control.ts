/** Stop and continue (kernel/signal.c: do_signal_stop, do_notify_parent_cldstop, prepare_signal). */
import { CLD_CONTINUED, CLD_STOPPED, SA_NOCLDSTOP, SIG_IGN, SIGCHLD, SIGCONT, SIGHUP } from "../../syscall-tables/flags/signal.ts";
import { STOP_SIGNALS_LO, sigBitLo } from "../abi/signal.ts";
import { notifyOfGroup } from "../ptrace/stop.ts";
import { childSignal } from "./child-signal.ts";
import { exitHooks } from "./exit-hooks.ts";
import type { Process } from "./process.ts";
import type { ProcessGroup } from "./process-group.ts";
import { kernelSignal } from "./signal-info.ts";
import { sendSignalToGroup, sendSignalToProcess } from "./signals.ts";
import type { Task } from "./task.ts";

/** Removes a signal of the low half from every queue of the process. */
export const discardFromAll = (process: Process, signal: number): void => process.discardPending(sigBitLo(signal), 0);

/** A stop signal takes effect: every thread stops before it runs guest code again. */
export const stopProcess = (process: Process, signal: number): void => {
  if (process.isStopped || process.stopsAwaited > 0) return;
  process.stopSignal = signal;
  process.stopsAwaited = 0;
  for (const task of process.tasks.values()) {
    if (task.isKilled || (task.isParked && task.trace === null) || task.trace?.stop?.kind === "group") continue;
    task.isStopPending = true;
    process.stopsAwaited++;
  }
  for (const task of process.tasks.values()) {
    if (task.trace?.isSeized === true) notifyOfGroup(task);
    else if (task.isStopPending) task.poke();
  }
};

/** A thread has stopped, or exits instead: the last one awaited completes the stop. */
export const stopReached = (task: Task): void => {
  const { process } = task;
  if (!task.isStopPending) return;
  task.isStopPending = false;
  if (--process.stopsAwaited > 0) return;
  process.pendingCore?.allStopped();
  if (process.isExiting || process.isStopped) return;
  process.isStopped = true;
  // A parent that traces the process is told of each thread.
  if (task.trace !== null && task.trace.tracer.process === process.parent) return;
  process.hasStopReport = true;
  process.hasContinueReport = false;
  notifyParentOfStop(process, CLD_STOPPED, process.stopSignal);
};

/** A thread that comes to a stopped group later, or back to it, stops too. */
export const joinStop = (task: Task): void => {
  if (task.isStopPending) return;
  task.isStopPending = true;
  task.process.stopsAwaited++;
};

/** SIGCONT was sent (whether or not it will be delivered): all threads go on. */
export const continueProcess = (process: Process): void => {
  process.discardPending(STOP_SIGNALS_LO, 0);
  const wasStopped = process.isStopped;
  const wasStopping = process.stopsAwaited > 0;
  process.isStopped = false;
  process.stopsAwaited = 0;
  for (const task of process.tasks.values()) {
    task.isStopPending = false;
    if (task.isParked && task.trace === null) task.kernel.schedule(task);
    else if (wasStopped || wasStopping) notifyOfGroup(task);
  }
  if (wasStopped) {
    process.hasStopReport = false;
    process.hasContinueReport = true;
    notifyParentOfStop(process, CLD_CONTINUED, SIGCONT);
  } else if (wasStopping) notifyParentOfStop(process, CLD_STOPPED, process.stopSignal);
};

const notifyParentOfStop = (process: Process, code: number, status: number): void => {
  const { parent } = process;
  process.exited.notify();
  if (parent === null) {
    if (code === CLD_STOPPED && process.isStopped) exitHooks.hostChildStop?.(process, status);
    return;
  }
  const action = parent.actions.get(SIGCHLD);
  if (action.handlerAddr !== SIG_IGN && (action.flags & SA_NOCLDSTOP) === 0) {
    sendSignalToProcess(parent, childSignal(process.leader, parent, SIGCHLD, code, status));
  }
  parent.childExited.notify();
};

/** kill_orphaned_pgrp: a stopped group that nobody can continue any more gets SIGHUP and SIGCONT. */
export const hangUpIfOrphaned = (group: ProcessGroup, without: Process | null): void => {
  if (!group.isOrphaned(without) || !group.hasStoppedMember()) return;
  sendSignalToGroup(group, kernelSignal(SIGHUP));
  sendSignalToGroup(group, kernelSignal(SIGCONT));
};
