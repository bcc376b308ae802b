/** What other parts do when a task, process or session leader ends. Set once, when the parts are joined. */
import type { Process } from "./process.ts";
import type { Session } from "./process-group.ts";
import type { SignalInfo } from "./signal-info.ts";
import type { Task } from "./task.ts";

export const exitHooks: {
  /** CLONE_SYSVSEM: the child shares the parent's semaphore adjustments. */
  shareSemaphoreUndo: ((parent: Task, child: Task) => void) | null;
  /** SysV semaphore undo (exit_sem). */
  taskExit: ((task: Task) => void) | null;
  /** The last thread is gone; before the parent is told. */
  processExit: ((process: Process) => void) | null;
  /** All threads of a process without a guest parent have stopped: whoever is its parent outside is told. */
  hostChildStop: ((process: Process, signal: number) => void) | null;
  /** disassociate_ctty(1): the foreground group is told. Called for every session, with `session.tty` as it was. */
  sessionLeaderExit: ((session: Session) => void) | null;
  /** A signal ends the process whose default is a core file. True: `exitGroup` is called when it is written. */
  coreDump: ((task: Task, info: SignalInfo) => boolean) | null;
} = { coreDump: null, shareSemaphoreUndo: null, taskExit: null, processExit: null, hostChildStop: null, sessionLeaderExit: null };
