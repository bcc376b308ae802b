/** Sending signals (kernel/signal.c: send_signal_locked, complete_signal, force_sig_info, dequeue_signal). */
import { RLIMIT_SIGPENDING } from "../../syscall-tables/flags/process.ts";
import { SI_USER, SIG_DFL, SIG_IGN, SIGALRM, SIGCONT, SIGKILL, SIGRTMIN, SIGSTOP } from "../../syscall-tables/flags/signal.ts";
import { EAGAIN } from "../abi/errno.ts";

import { isCoreSignal, isIgnoredByDefault, isStopSignal, sigsetHas } from "../abi/signal.ts";
import { signalStatus } from "../abi/wait.ts";
import { exitGroup } from "./exit-request.ts";
import { continueProcess, discardFromAll } from "./job-control.ts";
import type { Process } from "./process.ts";
import type { ProcessGroup } from "./process-group.ts";
import { DEFAULT_ACTION } from "./signal-actions.ts";
import type { SignalInfo } from "./signal-info.ts";
import type { Task } from "./task.ts";

export { faultSignal, kernelSignal, packSignalInfo, type SignalInfo, threadSignal, userSignal } from "./signal-info.ts";
export { TaskSignals } from "./task-signals.ts";

/** sig_ignored: a blocked or awaited signal is kept, as its disposition may change before it is taken. */
const isIgnored = (task: Task, process: Process, info: SignalInfo): boolean => {
  const { signal } = info;
  const { maskLo, maskHi, awaitedLo, awaitedHi } = task.signals;
  if (sigsetHas(maskLo, maskHi, signal) || sigsetHas(awaitedLo, awaitedHi, signal)) return false;
  // Its tracer decides.
  if (task.trace !== null && signal !== SIGKILL) return false;
  const handler = process.actions.get(signal).handlerAddr;
  if (process.isUnkillable && handler === SIG_DFL && !(info.force === true && (signal === SIGKILL || signal === SIGSTOP))) return true;
  return handler === SIG_IGN || (handler === SIG_DFL && isIgnoredByDefault(signal));
};

/** prepare_signal: the effects that happen whether the signal is delivered or not. False: drop it. */
const prepare = (task: Task, process: Process, info: SignalInfo): boolean => {
  if (process.isExiting) return false;
  if (isStopSignal(info.signal)) discardFromAll(process, SIGCONT);
  else if (info.signal === SIGCONT) continueProcess(process);
  return !isIgnored(task, process, info);
};

/** wants_signal: may this thread be picked for a signal to its process? */
const wants = (task: Task, signal: number): boolean => {
  if (task.isKilled || task.isDead) return false;
  if (sigsetHas(task.signals.maskLo, task.signals.maskHi, signal)) return false;
  return signal === SIGKILL || !(task.isParked || task.trace?.stop);
};

/** complete_signal: decides who takes it, and starts the end of the process at once when it is fatal. */
const complete = (task: Task, process: Process, signal: number, isForTask: boolean): void => {
  let target: Task | null = null;
  if (wants(task, signal)) target = task;
  else if (!isForTask) {
    for (const sibling of process.tasks.values()) {
      if (sibling === task || !wants(sibling, signal)) continue;
      target = sibling;
      break;
    }
  }
  if (target === null) return;
  const isDeadly =
    signal === SIGKILL || (process.actions.get(signal).handlerAddr === SIG_DFL && !isIgnoredByDefault(signal) && !isStopSignal(signal));
  const isSafe = process.isUnkillable && signal !== SIGKILL;
  const isAwaited = sigsetHas(target.signals.awaitedLo, target.signals.awaitedHi, signal);
  const isForTracer = target.trace !== null && signal !== SIGKILL;
  if (isDeadly && !isSafe && !isAwaited && !isForTracer && !isCoreSignal(signal)) {
    exitGroup(process, signalStatus(signal));
    return;
  }
  target.poke();
};

const send = (task: Task, process: Process, info: SignalInfo, isForTask: boolean): number => {
  const { signal } = info;
  if (!prepare(task, process, info)) return 0;
  const pending = isForTask ? task.signals.pending : process.pending;
  if (signal < SIGRTMIN && pending.has(signal)) return 0;
  const account = process.kernel.pids.users.of(task.creds.uid);
  // Standard signals of the kernel and of kill(2) are queued over the limit.
  const isFull = account.pendingSignals >= process.limits.get(RLIMIT_SIGPENDING).soft;
  if (isFull && !(signal < SIGRTMIN && info.code >= SI_USER)) {
    if (signal >= SIGRTMIN && info.code !== SI_USER) return EAGAIN;
    pending.mark(signal);
  } else pending.add(info, account);
  process.actions.waitQueue.notify();
  complete(task, process, signal, isForTask);
  return 0;
};

/** A timer's signal: its place in the queue is its own, so it is queued beside others of its number. False: ignored. */
export const queueTimerSignal = (process: Process, target: Task | null, info: SignalInfo, preferred: Task | null): boolean => {
  const task = target ?? preferred ?? (process.leader.isDead ? process.anyTask : process.leader);
  if (task.isDead || !prepare(task, process, info)) return false;
  (target === null ? process.pending : task.signals.pending).add(info, null);
  process.actions.waitQueue.notify();
  complete(task, process, info.signal, target !== null);
  return true;
};

/**
 * Sends to a process: some thread that does not block the signal takes it, `preferred` or the first one if they may.
 * 0, or EAGAIN when a real-time queue is full.
 */
export const sendSignalToProcess = (process: Process, info: SignalInfo, preferred: Task | null = null): number => {
  if (process.isZombie) return 0;
  const leader = process.leader;
  return send(preferred ?? (leader.isDead ? process.anyTask : leader), process, info, false);
};

/** Sends to one thread. */
export const sendSignalToTask = (task: Task, info: SignalInfo): number => (task.isDead ? 0 : send(task, task.process, info, true));

/** Sends the same to every member (kill_pgrp); the kernel's own signals only, so no permission is asked. */
export const sendSignalToGroup = (group: ProcessGroup, info: SignalInfo): void => {
  for (const process of [...group.members]) sendSignalToProcess(process, info);
};

/**
 * force_sig_info: a fault of the running instruction cannot wait. If it is blocked or
 * ignored, or `isFatal`, the default action kills.
 */
export const forceSignal = (task: Task, info: SignalInfo, isFatal = false): void => {
  const { signal } = info;
  const { process } = task;
  const isBlocked = sigsetHas(task.signals.maskLo, task.signals.maskHi, signal);
  if (isBlocked || isFatal || process.actions.get(signal).handlerAddr === SIG_IGN) {
    process.actions.set(signal, DEFAULT_ACTION);
    if (isBlocked) task.signals.unblock(signal);
  }
  if (process.actions.get(signal).handlerAddr === SIG_DFL) process.isUnkillable = false;
  send(task, process, info, true);
};

/** dequeue_signal: takes the next signal outside the mask, the thread's own before the process's. Null: none. */
const dequeueFrom = (task: Task, maskLo: number, maskHi: number): SignalInfo | null => {
  const own = task.signals.pending;
  const shared = task.process.pending;
  let queue = own;
  let signal = own.next(maskLo, maskHi);
  if (signal === 0) {
    queue = shared;
    signal = shared.next(maskLo, maskHi);
  }
  return signal === 0 ? null : queue.take(signal);
};

/** The next signal that is not in the mask; a timer's signal whose timer was set anew is dropped on the way. */
export const dequeueUnmasked = (task: Task, maskLo: number, maskHi: number): SignalInfo | null => {
  for (;;) {
    const info = dequeueFrom(task, maskLo, maskHi);
    if (info === null) return null;
    if (info.signal === SIGALRM) task.process.intervalTimers?.alarmTaken();
    if (info.source === undefined || info.source.onDequeue(info)) return info;
  }
};

/** For signalfd(2) and rt_sigtimedwait(2): takes the next pending signal of the *wanted* set. */
export const dequeueSignal = (task: Task, wantedLo: number, wantedHi: number): SignalInfo | null =>
  dequeueUnmasked(task, ~wantedLo >>> 0, ~wantedHi >>> 0);
