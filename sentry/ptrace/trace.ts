/**
 * What ptrace(2) adds to a task: who traces it and how it goes on (struct task_struct's ptrace,
 * jobctl and last_siginfo).
 *
 *             a stop is due                 operations done         PTRACE_CONT and the like,
 *   running ────────────────▶ settling ─────────────────────▶ stopped ───────────────────▶ running
 *      ▲                      (nobody is told yet)              │  ▲   the tracer's end
 *      └── the release says where the task goes on      LISTEN  ▼  │ stopped or continued
 *                                                           listening
 */
import type { SignalInfo } from "../task/signal-info.ts";
import type { Task } from "../task/task.ts";

/**
 * Where the task stands: at the start of a call, of one that will not be executed (PTRACE_SYSEMU), at its end, before a signal is delivered, at a handler's
 * first instruction, in the middle of a call (fork, exec), stopped with its group or by
 * PTRACE_INTERRUPT, or about to exit.
 */
export type StopKind = "entry" | "emulated" | "seccomp" | "exit" | "signal" | "handler" | "event" | "group" | "end";

export interface TraceStop {
  readonly kind: StopKind;
  /** The signal and, above it, the event: the second byte and the third of wait's status. */
  code: number;
  /** PTRACE_GETSIGINFO; null at a group-stop. */
  info: SignalInfo | null;
  /** Others may look at the task now. */
  isSettled: boolean;
  /** Fetched by wait. */
  isReported: boolean;
  isListening: boolean;
}

/** How the tracer has let a task go on. */
export interface TraceRelease {
  readonly kind: StopKind;
  /** The signal that the tracer passes on. */
  delivery: SignalInfo | null;
}

/** Until which stop the task runs. */
export type TraceMode = "run" | "calls" | "emulated-calls";

/** PTRACE_O_*, what PTRACE_EVENT_* numbers select: option = 1 << event. */
export const PTRACE_EVENT_FORK = 1;
export const PTRACE_EVENT_VFORK = 2;
export const PTRACE_EVENT_CLONE = 3;
export const PTRACE_EVENT_EXEC = 4;
export const PTRACE_EVENT_VFORK_DONE = 5;
export const PTRACE_EVENT_EXIT = 6;
export const PTRACE_EVENT_SECCOMP = 7;
export const PTRACE_EVENT_STOP = 128;

export class Trace {
  readonly tracer: Task;
  readonly isSeized: boolean;
  /** PTRACE_O_*. */
  options = 0;
  mode: TraceMode = "run";
  isStepping = false;
  /** The trap flag in the task's registers is ours (TIF_FORCED_TF). */
  hasForcedStep = false;
  /** PTRACE_GETEVENTMSG. */
  eventMessage = 0;
  stop: TraceStop | null = null;
  /** The tracer's call that waits for the task's host thread. */
  awaited: { finish(result: number): void } | null = null;
  /** PTRACE_INTERRUPT, or the first stop of a seized child (JOBCTL_TRAP_STOP). */
  isStopDue = false;
  /** A seized task is to tell of its group's stop or continuation (JOBCTL_TRAP_NOTIFY). */
  isNotifyDue = false;
  /** PTRACE_EVENT_EXIT has been reported. */
  hasReportedEnd = false;
  /** Has exited and waits for its tracer to fetch the status; leaders are told by their process. */
  isZombie = false;

  constructor(tracer: Task, isSeized: boolean) {
    this.tracer = tracer;
    this.isSeized = isSeized;
  }

  get hasTrapDue(): boolean {
    return this.isStopDue || this.isNotifyDue;
  }

  /** Others may look at the task, and only its tracer wakes it. */
  get isStopped(): boolean {
    return this.stop?.isSettled === true;
  }

  wantsEvent(event: number): boolean {
    return (this.options & (1 << event)) !== 0;
  }
}
