/** What a task owes its address space when it leaves it, by exit or exec (mm_release, futex_exit_release). */

import { wakeFutex } from "../futex/futex.ts";
import { releaseOwnedPiFutexes } from "../futex/pi-futex.ts";
import { releaseRobustList } from "../futex/robust-list.ts";
import type { Task } from "./task.ts";

export const releaseAddressSpace = (task: Task): void => {
  const { memory } = task.thread.process;
  if (task.robustListAddr !== 0) {
    releaseRobustList(task, task.robustListAddr);
    task.robustListAddr = 0;
  }
  releaseOwnedPiFutexes(task);
  if (task.clearChildTidAddr !== 0) {
    // Without another user nobody could look.
    if (task.mm.users > 1) {
      memory.storeU32(task.clearChildTidAddr, 0);
      wakeFutex(task, task.clearChildTidAddr, 1);
    }
    task.clearChildTidAddr = 0;
  }
  if (task.vforkDone !== null) {
    const queue = task.vforkDone;
    task.vforkDone = null;
    queue.notify();
  }
};
