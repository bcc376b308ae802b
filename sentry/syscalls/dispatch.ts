/** From a trapped thread to its handler and back. */
import { x86_64 } from "../../syscall-tables/numbers/x86_64.ts";
import { ENOSYS } from "../abi/errno.ts";
import type { Log } from "../host/log.ts";
import { R_RIP } from "../platform/registers.ts";
import { SLOT_NUMBER } from "../platform/systrap/layout.generated.ts";
import type { SystrapThread } from "../platform/systrap/thread.ts";
import { stopBeforeCall } from "../ptrace/stop.ts";
import { BLOCKED } from "../task/blocking.ts";
import { callHooks } from "../task/call-hooks.ts";
import { finishSyscall } from "../task/run.ts";
import type { Task } from "../task/task.ts";
import { dispatchesToUser } from "../task/user-dispatch.ts";
import { type Call, compileCall } from "./decode.ts";
import type { Implementation } from "./implement.ts";

/** What --strace adds; null when nobody asked. */
export interface CallTracer {
  entry(thread: SystrapThread, nr: number): void;
  /** The call sleeps. */
  blocked(thread: SystrapThread): void;
  /** The call's result is about to go to the guest. */
  exit(thread: SystrapThread, result: number): void;
}

export class Dispatcher {
  readonly #calls: Call[];
  readonly #log: Log;
  tracer: CallTracer | null = null;
  /** Calls to numbers that have no handler, by number. */
  readonly unimplemented = new Map<number, number>();
  /** System calls served since the start. */
  count = 0;

  constructor(implementations: readonly Implementation[], log: Log) {
    this.#log = log;
    const byName = new Map(implementations.map((implementation) => [implementation.name as string, implementation]));
    callHooks.resume = (task, from, result) => this.#resume(task, from, result);
    const last = Math.max(...Object.keys(x86_64).map(Number));
    this.#calls = Array.from({ length: last + 1 }, (_, nr): Call => {
      const implementation = byName.get(x86_64[nr as keyof typeof x86_64] ?? "");
      return implementation ? compileCall(implementation) : () => this.#missing(nr);
    });
  }

  #missing(nr: number): number {
    const calls = (this.unimplemented.get(nr) ?? 0) + 1;
    this.unimplemented.set(nr, calls);
    if (calls === 1) this.#log.debug(`system call ${nr} (${x86_64[nr as keyof typeof x86_64] ?? "unknown"}) is not implemented`);
    return ENOSYS;
  }

  /** Runs the system call that `thread` has stopped for. */
  run(thread: SystrapThread): void {
    const task = thread.task;
    if (task === null) return;
    this.count++;
    const nr = thread.u32[thread.word + SLOT_NUMBER / 4];
    thread.regs.syscallNumber = nr;
    if (this.tracer !== null) this.tracer.entry(thread, nr);
    if (task.userDispatch !== null && dispatchesToUser(task, task.userDispatch, nr)) finishSyscall(task, nr);
    else if (task.trace !== null && task.trace.mode !== "run") stopBeforeCall(task);
    else this.#admit(thread, task, nr, false);
  }

  /** Filters, then the handler. */
  #admit(thread: SystrapThread, task: Task, nr: number, isShownToTracer: boolean): void {
    if (task.seccomp !== null && !task.seccomp.surelyAllows(nr)) {
      const verdict = task.seccomp.check(task, nr, thread.regs.get(R_RIP), isShownToTracer);
      if (verdict !== null) {
        if (verdict !== BLOCKED) finishSyscall(task, verdict);
        else thread.park();
        return;
      }
      thread.regs.takeArguments();
    }
    this.#call(thread, task, nr);
  }

  #call(thread: SystrapThread, task: Task, nr: number): void {
    const call = this.#calls[nr];
    const result = call === undefined ? this.#missing(nr) : call(task, thread.u32, thread.word);
    if (result === BLOCKED) {
      thread.park();
      if (this.tracer !== null) this.tracer.blocked(thread);
    } else finishSyscall(task, result);
  }

  /** A call that was held up at its start; its number and arguments may be others now. */
  #resume(task: Task, from: "entry" | "seccomp" | "let-through", result: number): void {
    const thread = task.thread as SystrapThread;
    const nr = thread.regs.syscallNumber;
    if (nr < 0) {
      finishSyscall(task, result);
      return;
    }
    thread.regs.isRaxTouched = false;
    thread.regs.takeArguments();
    if (from === "let-through") this.#call(thread, task, nr);
    else this.#admit(thread, task, nr, from === "seccomp");
  }
}
