/**
 * The way back to guest code, and the only one: restart codes, job control, the end of
 * tasks and the delivery of signals all happen here (arch_do_signal_or_restart, get_signal).
 */
import { SA_RESTART, SIGSEGV, SIGTRAP, TRAP_BRKPT, TRAP_TRACE } from "../../syscall-tables/flags/signal.ts";
import { EINTR, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTNOINTR, ERESTARTSYS } from "../abi/errno.ts";

import type { Trap } from "../platform/platform.ts";
import { R_RAX, R_RIP } from "../platform/registers.ts";
import {
  endStep,
  isStepOverCall,
  stepDone,
  stopAfterCall,
  stopAtHandler,
  stopBeforeSignal,
  stopWithGroup,
  watchOn,
} from "../ptrace/stop.ts";
import { BLOCKED, CALL_GOES_ON } from "./blocking.ts";
import { callHooks } from "./call-hooks.ts";
import { endKilledTask } from "./exit.ts";
import { stopReached } from "./job-control.ts";
import type { SignalAction } from "./signal-actions.ts";
import { nextSignalForHandler, setUpHandler } from "./signal-delivery.ts";
import { faultSignal, forceSignal } from "./signals.ts";
import type { ParkCause, Task } from "./task.ts";

/** The length of the `syscall` instruction. */
const SYSCALL_LENGTH = 2;
const SYS_restart_syscall = 219;
/** Handlers set up on one way back; the platform can save so many FPU states at once. */
const FRAMES_MAX = 8;

/** A call is done: its result goes to the guest, unless a signal, a stop or the end comes first. */
export const finishSyscall = (task: Task, result: number): void => {
  if (task.isDead) return;
  if (result > ERESTARTSYS && !task.hasSignal && !task.signals.hasSavedMask && task.trace === null) task.thread.resume(result);
  else if (task.trace === null || !endTracedCall(task, result, "syscall")) leaveSentry(task, result, "syscall");
};

/** Back to guest code with the registers as they are (rt_sigreturn). */
export const returnToGuest = (task: Task): void => {
  if (task.trace === null || !endTracedCall(task, 0, "user")) leaveSentry(task, 0, "user");
};

/** syscall_exit_work: a step ends behind the call. True: the task has stopped. */
const endTracedCall = (task: Task, result: number, cause: ParkCause): boolean => {
  if (!isStepOverCall(task)) return stopAfterCall(task, result, cause);
  forceSignal(task, faultSignal(SIGTRAP, TRAP_BRKPT, task.thread.regs.get(R_RIP)));
  return false;
};

/** The running instruction faulted. */
export const handleFault = (task: Task, trap: Trap & { readonly kind: "fault" }): void => {
  if (task.isDead) return;
  if (trap.signal === SIGTRAP && trap.code === TRAP_TRACE && task.hasForcedStep) handleStep(task, trap.addr);
  else if (trap.signal !== SIGSEGV || !task.mm.growStack(task, trap.addr)) {
    forceSignal(task, faultSignal(trap.signal, trap.code, trap.addr, trap.trapNumber, trap.error));
  }
  leaveSentry(task, 0, "user");
};

const handleStep = (task: Task, addr: number): void => {
  // The tracer that asked for the step may be gone.
  if (task.trace === null) endStep(task);
  else {
    const code = stepDone(task);
    if (code !== "quiet") forceSignal(task, faultSignal(SIGTRAP, code, addr));
  }
};

/** Guest code was interrupted because the kernel asked for it. */
export const handleInterrupt = (task: Task): void => {
  if (!task.isDead) leaveSentry(task, 0, "user");
};

/** The loop's turn for a scheduled task: its sleeping call is stepped, a stopped task looks whether it may go on. */
export const stepOp = (task: Task): void => {
  if (task.isDead) return;
  if (task.op !== null) {
    task.release = null;
    const result = task.stepBlocked();
    if (result === CALL_GOES_ON && !task.isKilled) callHooks.resume?.(task, "let-through", 0);
    else if (result !== BLOCKED) finishSyscall(task, result);
  } else if (task.isParked) wakeParked(task);
  else if (task.isKilled) endKilledTask(task);
};

/** A task that is kept from guest code looks whether it may go on, and where. */
const wakeParked = (task: Task): void => {
  const { process, thread } = task;
  const stop = task.trace?.stop ?? null;
  if (stop !== null) {
    // Its tracer wakes it, or its end; but not while it carries out its operations.
    if (!stop.isSettled || !task.isKilled || stop.kind === "end") return;
    if (task.trace !== null) task.trace.stop = null;
  } else if (task.release === null) {
    const isTold = task.trace?.hasTrapDue === true;
    if (!task.isKilled && !isTold && (process.isStopped || process.stopsAwaited > 0)) return;
    task.isParked = false;
    leaveSentry(task, task.parkedResult, task.parkedCause);
    return;
  }
  task.isParked = false;
  const { release } = task;
  if (task.isKilled) {
    task.release = null;
    endKilledTask(task);
    return;
  }
  const rax = (thread.regs.getHi(R_RAX) | 0) * 2 ** 32 + thread.regs.getLo(R_RAX);
  if (release?.kind === "entry" || release?.kind === "seccomp") {
    task.release = null;
    callHooks.resume?.(task, release.kind, rax);
  } else leaveSentry(task, rax, thread.regs.syscallNumber >= 0 ? "syscall" : "user");
};

const leaveSentry = (task: Task, syscallResult: number, from: ParkCause): void => {
  const { signals, thread } = task;
  let result = syscallResult;
  let cause = from;
  let frames = 0;
  // The temporary mask of ppoll and the like outlives the call only until its EINTR is delivered.
  if (cause === "syscall" && signals.hasSavedMask && result !== EINTR && result !== ERESTARTNOHAND) signals.restoreMask();
  for (;;) {
    if (task.isKilled) {
      endKilledTask(task);
      return;
    }
    const isFree = (task.release?.delivery ?? null) === null;
    if (isFree && task.trace !== null && (task.isStopPending || task.trace.hasTrapDue)) {
      task.release = null;
      stopWithGroup(task, result, cause);
      stopReached(task);
      return;
    }
    if (isFree && task.isStopPending) {
      task.release = null;
      task.isParked = true;
      task.parkedResult = result;
      task.parkedCause = cause;
      stopReached(task);
      return;
    }
    const delivery = nextSignalForHandler(task);
    if (delivery !== null) {
      const { info, action } = delivery;
      if (action === null) {
        stopBeforeSignal(task, info, result, cause);
        return;
      }
      if (cause === "syscall") {
        returnBefore(task, result, action);
        cause = "user";
        result = 0;
      }
      const isStepped = task.trace?.isStepping === true;
      endStep(task);
      setUpHandler(task, info, action);
      if (isStepped && task.trace !== null) {
        stopAtHandler(task);
        return;
      }
      if (++frames === FRAMES_MAX) break;
    } else if (!task.isKilled && !task.isStopPending && task.trace?.hasTrapDue !== true) break;
  }
  signals.restoreMask();
  watchOn(task);
  if (cause === "user") {
    keepRegisters(task);
    thread.resume(0);
    if (frames === FRAMES_MAX && task.hasSignal) thread.interrupt();
  } else if (result === ERESTARTSYS || result === ERESTARTNOINTR || result === ERESTARTNOHAND) {
    restart(task, thread.regs.syscallNumber);
    thread.resume(0);
  } else if (result === ERESTART_RESTARTBLOCK) {
    restart(task, SYS_restart_syscall);
    thread.resume(0);
  } else thread.resume(result);
};

/** Registers for a handler's frame: what the call returns once the handler is done (handle_signal). */
const returnBefore = (task: Task, result: number, action: SignalAction): void => {
  const restarts = result === ERESTARTNOINTR || (result === ERESTARTSYS && (action.flags & SA_RESTART) !== 0);
  if (restarts) {
    restart(task, task.thread.regs.syscallNumber);
    return;
  }
  const shown = result <= ERESTARTSYS && result >= ERESTART_RESTARTBLOCK ? EINTR : result;
  task.thread.regs.setHalves(R_RAX, shown >>> 0, Math.floor(shown / 2 ** 32) >>> 0);
};

/** The guest executes the `syscall` instruction once more. */
const restart = (task: Task, number: number): void => {
  const { regs } = task.thread;
  regs.set(R_RAX, number);
  regs.set(R_RIP, regs.get(R_RIP) - SYSCALL_LENGTH);
};

/** Registers that are touched are restored as a whole; otherwise `resume` would put a result into rax. */
const keepRegisters = (task: Task): void => {
  const { regs } = task.thread;
  regs.setHalves(R_RAX, regs.getLo(R_RAX), regs.getHi(R_RAX));
};
