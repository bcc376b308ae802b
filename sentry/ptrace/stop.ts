/** Stopping for a tracer and going on (kernel/signal.c ptrace_stop, ptrace_signal; kernel/ptrace.c ptrace_resume). */
import { PTRACE_O_TRACESYSGOOD } from "../../syscall-tables/flags/ptrace.ts";
import {
  CLD_STOPPED,
  CLD_TRAPPED,
  SA_NOCLDSTOP,
  SI_USER,
  SIG_IGN,
  SIGCHLD,
  SIGSTOP,
  SIGTRAP,
  TRAP_HWBKPT,
  TRAP_TRACE,
} from "../../syscall-tables/flags/signal.ts";
import { ENOSYS } from "../abi/errno.ts";

import { R_EFLAGS, R_RAX, R_RIP } from "../platform/registers.ts";
import { childSignal } from "../task/child-signal.ts";
import type { SignalInfo } from "../task/signal-info.ts";
import { kernelSignal, sendSignalToProcess, sendSignalToTask, userSignal } from "../task/signals.ts";
import type { ParkCause, Task } from "../task/task.ts";
import {
  PTRACE_EVENT_CLONE,
  PTRACE_EVENT_EXEC,
  PTRACE_EVENT_EXIT,
  PTRACE_EVENT_SECCOMP,
  PTRACE_EVENT_STOP,
  type StopKind,
  type Trace,
  type TraceMode,
} from "./trace.ts";

const TRAP_FLAG = 0x100;
/** With PTRACE_O_TRACESYSGOOD. */
const SYSCALL_MARK = 0x80;
export const EVENTMSG_SYSCALL_ENTRY = 1;
export const EVENTMSG_SYSCALL_EXIT = 2;

const setTrapFlag = (task: Task, isSet: boolean): void => {
  const { regs } = task.thread;
  const flags = regs.getLo(R_EFLAGS);
  regs.setHalves(R_EFLAGS, isSet ? flags | TRAP_FLAG : flags & ~TRAP_FLAG, regs.getHi(R_EFLAGS));
};

/** user_disable_single_step: the tracer's trap flag goes, the program's own stays. */
export const endStep = (task: Task): void => {
  if (!task.hasForcedStep) return;
  task.hasForcedStep = false;
  setTrapFlag(task, false);
};

/** user_enable_single_step */
const beginStep = (task: Task): void => {
  if ((task.thread.regs.getLo(R_EFLAGS) & TRAP_FLAG) !== 0) return;
  task.hasForcedStep = true;
  setTrapFlag(task, true);
};

/** While debug registers are enabled, a traced task is stepped. */
export const watchOn = (task: Task): void => {
  if (task.trace !== null && task.debugRegisters?.isActive === true) beginStep(task);
};

/**
 * A step of the task is done. "quiet": nobody asked for it but the debug registers, and none of
 * them was hit; else the code of the SIGTRAP.
 */
export const stepDone = (task: Task): number | "quiet" => {
  const { debugRegisters, trace } = task;
  const isHit = debugRegisters?.isActive === true && debugRegisters.step(task);
  if (trace?.isStepping) {
    debugRegisters?.noteStep();
    return isHit ? TRAP_HWBKPT : TRAP_TRACE;
  }
  return isHit ? TRAP_HWBKPT : "quiet";
};

/** In a call's middle rax is the call's business until its result is known. */
const isInCallsMiddle = (task: Task): boolean => task.op !== null;

/** The registers as others see them: rax is the result, orig_rax says whether this is a call. */
export const showResult = (task: Task, result: number, cause: ParkCause): void => {
  const { regs } = task.thread;
  if (cause === "syscall") regs.setHalves(R_RAX, result >>> 0, Math.floor(result / 2 ** 32) >>> 0);
  else regs.syscallNumber = -1;
};

/** The task stops; its tracer is told once others may look at it. `result`: of the call, where it is one. */
const enterStop = (task: Task, kind: StopKind, code: number, info: SignalInfo | null, result: number, cause: ParkCause): void => {
  const { trace, thread } = task;
  if (trace === null) return;
  const isMiddle = isInCallsMiddle(task);
  trace.isStopDue = false;
  if (info !== null && code >> 8 === PTRACE_EVENT_STOP) trace.isNotifyDue = false;
  trace.isStepping = false;
  trace.stop = { kind, code, info, isSettled: false, isReported: false, isListening: false };
  if (!isMiddle) {
    task.isParked = true;
    showResult(task, result, cause);
  }
  endStep(task);
  thread.settle((failed) => {
    if (isMiddle) thread.regs.set(R_RIP, thread.regs.get(R_RIP));
    else if (failed !== null && thread.regs.syscallNumber >= 0) showResult(task, failed, "syscall");
    else keepRegisters(task);
    settled(task, trace);
  });
};

/** They are restored as a whole. */
const keepRegisters = (task: Task): void => {
  const { regs } = task.thread;
  regs.setHalves(R_RAX, regs.getLo(R_RAX), regs.getHi(R_RAX));
};

const settled = (task: Task, trace: Trace): void => {
  const { stop } = trace;
  const isOver = task.trace !== trace || stop === null || (task.isKilled && stop.kind !== "end");
  if (!isOver) {
    stop.isSettled = true;
    notifyTracer(task, trace);
    return;
  }
  // Killed, or left by its tracer, on the way into the stop.
  if (stop !== null) task.release ??= { kind: stop.kind, delivery: stop.kind === "signal" ? stop.info : null };
  trace.stop = null;
  task.kernel.schedule(task);
};

/** do_notify_parent_cldstop(for_ptracer) */
const notifyTracer = (task: Task, trace: Trace): void => {
  const tracer = trace.tracer.process;
  const { stop } = trace;
  if (stop === null) return;
  const action = tracer.actions.get(SIGCHLD);
  if (action.handlerAddr !== SIG_IGN && (action.flags & SA_NOCLDSTOP) === 0) {
    const isGroup = stop.kind === "group";
    const status = isGroup ? task.process.stopSignal & 0x7f : stop.code & 0x7f;
    sendSignalToProcess(tracer, childSignal(task, tracer, SIGCHLD, isGroup ? CLD_STOPPED : CLD_TRAPPED, status));
  }
  tracer.childExited.notify();
};

/** ptrace_notify: an event's siginfo shows the stop's code. */
const trapInfo = (task: Task, signal: number, code: number): SignalInfo => ({ ...userSignal(signal, task, task), code });

export const stopBeforeCall = (task: Task): void => {
  const { trace } = task;
  if (trace === null) return;
  trace.eventMessage = EVENTMSG_SYSCALL_ENTRY;
  enterStop(
    task,
    trace.mode === "calls" ? "entry" : "emulated",
    syscallCode(trace),
    trapInfo(task, SIGTRAP, syscallCode(trace)),
    ENOSYS,
    "syscall",
  );
};

/** The call is done. False: nobody wants to know. */
export const stopAfterCall = (task: Task, result: number, cause: ParkCause): boolean => {
  const { trace } = task;
  if (trace === null || trace.mode !== "calls" || task.isKilled) return false;
  trace.eventMessage = EVENTMSG_SYSCALL_EXIT;
  enterStop(task, "exit", syscallCode(trace), trapInfo(task, SIGTRAP, syscallCode(trace)), result, cause);
  return true;
};
const syscallCode = (trace: Trace): number => ((trace.options & PTRACE_O_TRACESYSGOOD) !== 0 ? SIGTRAP | SYSCALL_MARK : SIGTRAP);

/** A step over a call ends behind it (user_single_step_report). */
export const isStepOverCall = (task: Task): boolean => task.trace?.isStepping === true;

export const stopBeforeSignal = (task: Task, info: SignalInfo, result: number, cause: ParkCause): void =>
  enterStop(task, "signal", info.signal, info, result, cause);

/** A handler was set up while the task was stepped: the tracer sees its first instruction. */
export const stopAtHandler = (task: Task): void => enterStop(task, "handler", SIGTRAP, trapInfo(task, SIGTRAP, SIGTRAP), 0, "user");

/** do_jobctl_trap: the group has stopped, or this task alone was asked to. */
export const stopWithGroup = (task: Task, result: number, cause: ParkCause): void => {
  const { trace, process } = task;
  if (trace === null) return;
  const isGroupStop = process.isStopped || process.stopsAwaited > 0;
  if (!trace.isSeized) {
    enterStop(task, "group", process.stopSignal || SIGSTOP, null, result, cause);
    return;
  }
  const signal = isGroupStop ? process.stopSignal : SIGTRAP;
  const code = signal | (PTRACE_EVENT_STOP << 8);
  enterStop(task, "group", code, trapInfo(task, signal, code), result, cause);
};

/** ptrace_event in the middle of a call. True: the task has stopped, and the call waits until `isInEventStop` is false. */
export const stopForEvent = (task: Task, event: number, message: number): boolean => {
  const { trace } = task;
  if (trace === null || task.isKilled || !trace.wantsEvent(event)) return false;
  trace.eventMessage = message;
  enterEventStop(task, "event", event);
  return true;
};

const enterEventStop = (task: Task, kind: StopKind, event: number): void => {
  const code = SIGTRAP | (event << 8);
  enterStop(task, kind, code, trapInfo(task, SIGTRAP, code), ENOSYS, "syscall");
};

export const isInEventStop = (task: Task): boolean => task.trace !== null && task.trace.stop !== null;

/** SECCOMP_RET_TRACE. False: nobody looks. */
export const stopForSeccomp = (task: Task, data: number): boolean => {
  const { trace } = task;
  if (trace === null || !trace.wantsEvent(PTRACE_EVENT_SECCOMP)) return false;
  trace.eventMessage = data;
  enterEventStop(task, "seccomp", PTRACE_EVENT_SECCOMP);
  return true;
};

/** PTRACE_EVENT_EXIT. True: the task ends when its tracer has let it go. */
export const stopBeforeEnd = (task: Task, status: number): boolean => {
  const { trace } = task;
  if (trace === null || trace.hasReportedEnd || !trace.wantsEvent(PTRACE_EVENT_EXIT)) return false;
  if (trace.stop !== null && !trace.stop.isSettled) return true;
  trace.hasReportedEnd = true;
  trace.eventMessage = status;
  const code = SIGTRAP | (PTRACE_EVENT_EXIT << 8);
  enterStop(task, "end", code, trapInfo(task, SIGTRAP, code), 0, task.parkedCause);
  return true;
};

/** A new program: an event for who asked for it, a signal for the others (not for PTRACE_SEIZE). */
export const stopAfterExec = (task: Task, formerTid: number): boolean => {
  const { trace } = task;
  if (trace === null) return false;
  if (stopForEvent(task, PTRACE_EVENT_EXEC, formerTid)) return true;
  if (!trace.isSeized) sendSignalToTask(task, userSignal(SIGTRAP, task, task));
  return false;
};

/** Which event a clone is. */
export const cloneEvent = (isVfork: boolean, exitSignal: number): number => (isVfork ? 2 : exitSignal === SIGCHLD ? 1 : PTRACE_EVENT_CLONE);

/** The tracer lets a stopped task go on; `signal` is passed on where the stop allows it. */
export const release = (task: Task, signal: number, mode: TraceMode, isStepping: boolean): void => {
  const { trace } = task;
  const stop = trace?.stop ?? null;
  if (trace === null || stop === null) return;
  let delivery: SignalInfo | null = null;
  if (stop.kind === "signal" && signal !== 0) delivery = stop.info?.signal === signal ? stop.info : passedOn(task, trace, signal);
  else if (signal !== 0 && (stop.kind === "entry" || stop.kind === "emulated" || stop.kind === "exit"))
    sendSignalToTask(task, kernelSignal(signal));
  trace.stop = null;
  trace.mode = mode;
  trace.isStepping = isStepping;
  if (isStepping) beginStep(task);
  task.debugRegisters?.begin(task);
  watchOn(task);
  task.release = { kind: stop.kind, delivery };
  task.kernel.schedule(task);
};

const passedOn = (task: Task, { tracer }: Trace, signal: number): SignalInfo => ({
  signal,
  code: SI_USER,
  pid: tracer.process.leader.pid.in(task.pidNamespace),
  uid: task.creds.userNamespace.showUid(tracer.creds.uid),
});

/** A seized task tells of a change of its group (ptrace_trap_notify); one that listens at once. */
export const notifyOfGroup = (task: Task): void => {
  const { trace } = task;
  if (trace === null || !trace.isSeized) return;
  trace.isNotifyDue = true;
  if (trace.stop?.isListening) relisten(task, trace);
  else task.poke();
};

/** The stop of a listening task is told anew. */
export const relisten = (task: Task, trace: Trace): void => {
  const { stop } = trace;
  if (stop === null) return;
  const isGroupStop = task.process.isStopped || task.process.stopsAwaited > 0;
  const signal = isGroupStop ? task.process.stopSignal : SIGTRAP;
  stop.isListening = false;
  stop.isReported = false;
  stop.code = signal | (PTRACE_EVENT_STOP << 8);
  stop.info = trapInfo(task, signal, stop.code);
  trace.isNotifyDue = false;
  trace.isStopDue = false;
  notifyTracer(task, trace);
};
