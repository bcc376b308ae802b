/**
 * Asking tasks to end. The end itself happens where no handler is half done: when the task
 * is next on its way back to guest code or stepped by the loop (exit.ts).
 */
import type { Process } from "./process.ts";
import type { Task } from "./task.ts";

/** do_group_exit, or a fatal signal: the whole process ends with this wait status. The first decision stands. */
export const exitGroup = (process: Process, status: number): void => {
  if (process.isExiting) return;
  process.groupExitStatus = status;
  process.isStopped = false;
  process.stopsAwaited = 0;
  for (const task of process.tasks.values()) {
    task.isKilled = true;
    task.isStopPending = false;
    task.kernel.schedule(task);
  }
};

/** exit(2): this thread ends with `status` when its call is done. */
export const exitTask = (task: Task, status: number): void => {
  task.exitStatus = status;
  killTask(task);
};

const killTask = (task: Task): void => {
  task.isKilled = true;
  task.poke();
};

/**
 * de_thread: every other thread of the process is to end. `process.tasks.size === 1` when
 * it is done; wait on `process.threadsExited`.
 */
export const killOtherThreads = (task: Task): void => {
  for (const sibling of task.process.tasks.values()) if (sibling !== task) killTask(sibling);
};
