/** SEM_UNDO: what a process gives back at its end (struct sem_undo_list); threads share it by CLONE_SYSVSEM. */
import { exitHooks } from "../task/exit-hooks.ts";
import type { Task } from "../task/task.ts";
import { SEMAPHORE_MAX, type SemaphoreSet } from "./semaphore-set.ts";

export class UndoList {
  /** The sets that hold adjustments of this list. */
  readonly sets = new Set<SemaphoreSet>();
  users = 1;
}

const lists = new WeakMap<Task, UndoList>();

export const undoListOf = (task: Task): UndoList => {
  let list = lists.get(task);
  if (list === undefined) {
    list = new UndoList();
    lists.set(task, list);
  }
  return list;
};

/** The list, if the task has one yet. */
export const madeUndoList = (task: Task): UndoList | null => lists.get(task) ?? null;

/** exit_sem() */
export const undoSemaphores = (task: Task): void => {
  const list = lists.get(task);
  if (list === undefined) return;
  lists.delete(task);
  if (--list.users > 0) return;
  const now = Math.floor(task.kernel.clock.realtimeNs() / 1e9);
  for (const set of list.sets) {
    const adjustments = set.undos.get(list);
    set.undos.delete(list);
    if (adjustments === undefined) continue;
    for (let i = 0; i < adjustments.length; i++) {
      if (adjustments[i] === 0) continue;
      set.values[i] = Math.min(SEMAPHORE_MAX, Math.max(0, set.values[i] + adjustments[i]));
      set.pids[i] = task.process.pid;
    }
    set.operationTime = now;
    set.settle();
  }
};

/** Joins the task's life: its exit undoes, and CLONE_SYSVSEM shares. */
export const registerSemaphoreUndo = (): void => {
  exitHooks.taskExit = undoSemaphores;
  exitHooks.shareSemaphoreUndo = (parent, child) => {
    const list = undoListOf(parent);
    list.users++;
    lists.set(child, list);
  };
};
