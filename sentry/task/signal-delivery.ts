/** Taking signals on the way back to guest code (kernel/signal.c get_signal, arch/x86/kernel/signal.c handle_signal). */
import {
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTORER,
  SIG_DFL,
  SIG_IGN,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SS_AUTODISARM,
} from "../../syscall-tables/flags/signal.ts";
import { isCoreSignal, isIgnoredByDefault, isStopSignal, sigBitHi, sigBitLo, sigsetHas } from "../abi/signal.ts";
import { signalStatus } from "../abi/wait.ts";
import type { SignalFrame } from "../platform/platform.ts";
import { R_RSP } from "../platform/registers.ts";
import { exitHooks } from "./exit-hooks.ts";
import { exitGroup } from "./exit-request.ts";
import { stopProcess } from "./job-control.ts";
import type { SignalAction } from "./signal-actions.ts";
import { packFrameInfo, type SignalInfo } from "./signal-info.ts";
import { dequeueUnmasked, forceSignal, kernelSignal, sendSignalToTask } from "./signals.ts";
import type { Task } from "./task.ts";

/** Bytes below the stack pointer that the x86-64 ABI lets a function use. */
const RED_ZONE = 128;
/** What a frame holds beside the FPU state: return address, ucontext, siginfo and alignment. */
const FRAME_OVERHEAD = 640;

export interface Delivery {
  readonly info: SignalInfo;
  /** Null: the tracer is asked first. */
  readonly action: SignalAction | null;
}

/**
 * The next signal that has a handler, or that a tracer is to see. Default actions are taken on the
 * way: afterwards the task may be killed or have to stop, and then null is returned.
 */
export const nextSignalForHandler = (task: Task): Delivery | null => {
  const { process, signals } = task;
  for (;;) {
    const passedOn = takePassedOn(task);
    if (task.isKilled || (passedOn === null && (task.isStopPending || task.trace?.hasTrapDue === true))) return null;
    const info = passedOn ?? signals.pending.takeSynchronous(signals.maskLo) ?? dequeueUnmasked(task, signals.maskLo, signals.maskHi);
    if (info === null) return null;
    const { signal } = info;
    if (task.trace !== null && passedOn === null && signal !== SIGKILL) return { info, action: null };
    const action = process.actions.get(signal);
    if (action.handlerAddr === SIG_IGN) continue;
    if (action.handlerAddr !== SIG_DFL) {
      if ((action.flags & SA_RESETHAND) !== 0) process.actions.set(signal, { ...action, handlerAddr: SIG_DFL });
      return { info, action };
    }
    if (isIgnoredByDefault(signal)) continue;
    if (process.isUnkillable && signal !== SIGKILL && signal !== SIGSTOP) continue;
    if (isStopSignal(signal)) {
      // A stop asked for by a terminal would leave an orphaned group stopped for ever.
      if (signal === SIGSTOP || !process.group.isOrphaned()) stopProcess(process, signal);
    } else if (!isCoreSignal(signal) || exitHooks.coreDump?.(task, info) !== true) exitGroup(process, signalStatus(signal));
  }
};

/** ptrace_signal's second half: what the tracer lets through, unless it is blocked by now. */
const takePassedOn = (task: Task): SignalInfo | null => {
  const info = task.release?.delivery ?? null;
  task.release = null;
  if (info === null || !sigsetHas(task.signals.maskLo, task.signals.maskHi, info.signal)) return info;
  sendSignalToTask(task, info);
  return null;
};

/** get_sigframe: where the frame goes. -1: an alternate stack in use would overflow. */
const frameTop = (task: Task, action: SignalAction): number => {
  const { signals } = task;
  const { altStack } = signals;
  const stackAddr = task.thread.regs.get(R_RSP) - RED_ZONE;
  if ((action.flags & SA_ONSTACK) !== 0 && signals.altStackFlags(stackAddr) % SS_AUTODISARM === 0) return altStack.addr + altStack.size;
  if (!signals.isOnAltStack(task.thread.regs.get(R_RSP))) return stackAddr;
  const bottom = stackAddr - task.kernel.platform.fpuStateSize - FRAME_OVERHEAD;
  return signals.isOnAltStack(bottom) ? stackAddr : -1;
};

/** Points the task at its handler. On failure SIGSEGV is forced, which the caller finds pending. */
export const setUpHandler = (task: Task, info: SignalInfo, action: SignalAction): void => {
  const { signals } = task;
  const { altStack } = signals;
  const stackTopAddr = frameTop(task, action);
  const frame: SignalFrame = {
    signal: info.signal,
    info: packFrameInfo(info),
    handlerAddr: action.handlerAddr,
    restorerAddr: action.restorerAddr,
    stackTopAddr,
    altStack: { addr: altStack.addr, flags: altStack.flags, size: altStack.size },
    maskLo: signals.frameMaskLo,
    maskHi: signals.frameMaskHi,
    trap: info.trap ?? null,
  };
  if ((action.flags & SA_RESTORER) === 0 || stackTopAddr < 0 || task.thread.pushSignalFrame(frame) < 0) {
    forceSignal(task, kernelSignal(SIGSEGV), info.signal === SIGSEGV);
    return;
  }
  if ((altStack.flags & SS_AUTODISARM) !== 0) signals.clearAltStack();
  signals.hasSavedMask = false;
  const ownLo = (action.flags & SA_NODEFER) === 0 ? sigBitLo(info.signal) : 0;
  const ownHi = (action.flags & SA_NODEFER) === 0 ? sigBitHi(info.signal) : 0;
  signals.setMask(signals.maskLo | action.maskLo | ownLo, signals.maskHi | action.maskHi | ownHi);
};
