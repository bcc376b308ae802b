/** execve(2) and execveat(2): replaces the program of a process. */
import { SIGSEGV } from "../../syscall-tables/flags/signal.ts";
import { EAGAIN, EINTR, isErrno } from "../abi/errno.ts";

import { isInEventStop, stopAfterExec } from "../ptrace/stop.ts";
import { BLOCKED, BlockingOp } from "../task/blocking.ts";
import { exitGroup, killOtherThreads } from "../task/exit-request.ts";
import { hostThreadCount } from "../task/host-threads.ts";
import type { Task } from "../task/task.ts";
import { commitProgram, isDumpableAfter } from "./commit.ts";
import { becomeLeader } from "./de-thread.ts";
import { type ExecRequest, type Loaded, loadProgram, putLoaded } from "./load.ts";

/** Where an execve(2) stands. The point of no return lies behind "load". */
export type ExecPhase = "load" | "kill-siblings" | "pristine" | "commit" | "event";

/**
 * The host process goes on with the new program, which spares the making of another and the end of this one. What else may
 * hide in it, of the old program's making, then sees the new one: so only where a process of the old program's
 * user could trace the new one anyway, and where nobody else uses the memory (vfork).
 */
const keepsHostProcess = (task: Task, loaded: Loaded): boolean =>
  task.trace === null &&
  task.mm.users === 1 &&
  hostThreadCount(task.thread.process) === 1 &&
  isDumpableAfter(task, loaded) &&
  task.thread.startOver?.() === true;

export class ExecOp extends BlockingOp {
  phase: ExecPhase = "load";
  /** What the tracer knew the task by. */
  #formerTid = 0;
  readonly #request: ExecRequest;
  #loaded: Loaded | null = null;

  constructor(request: ExecRequest) {
    super();
    this.#request = request;
  }

  override subscribe(task: Task): void {
    task.waitOn(task.process.threadsExited);
    task.waitOn(task.kernel.platform.pristineQueue);
  }

  override step(task: Task): number {
    for (;;) {
      switch (this.phase) {
        case "load": {
          const loaded = loadProgram(task, this.#request);
          if (isErrno(loaded)) return loaded;
          // Another thread has begun to exec or to end the process.
          if (task.process.isExiting || task.isKilled) {
            putLoaded(loaded);
            return EAGAIN;
          }
          this.#loaded = loaded;
          killOtherThreads(task);
          this.phase = "kill-siblings";
          break;
        }
        case "kill-siblings":
          if (task.process.tasks.size > 1) return BLOCKED;
          if (task.trace !== null) this.#formerTid = task.pid.in(task.trace.tracer.pidNamespace);
          becomeLeader(task);
          this.phase = "pristine";
          break;
        case "event":
          return isInEventStop(task) ? BLOCKED : 0;
        default:
          return this.#commit(task);
      }
    }
  }

  #commit(task: Task): number {
    const loaded = this.#loaded;
    if (loaded === null) return EAGAIN;
    const thread = keepsHostProcess(task, loaded) ? task.thread : task.kernel.platform.takePristine();
    if (thread === EAGAIN) return BLOCKED;
    this.phase = "commit";
    this.#loaded = null;
    const result = isErrno(thread) ? thread : commitProgram(task, thread, loaded);
    putLoaded(loaded);
    // Too late for an errno: there is no program that could receive it.
    if (result < 0) exitGroup(task.process, SIGSEGV);
    this.phase = "event";
    return result === 0 && stopAfterExec(task, this.#formerTid) ? BLOCKED : 0;
  }

  /** Only the end of the process ends an exec that has begun. */
  override interrupted(task: Task): number {
    if (!task.isKilled) return BLOCKED;
    if (this.#loaded !== null) putLoaded(this.#loaded);
    this.#loaded = null;
    return EINTR;
  }

  override describe(): string {
    return `execve ${this.phase}`;
  }
}

export { type Program, startProgram } from "./start.ts";
