import { EFD_SEMAPHORE } from "../../../syscall-tables/flags/fd.ts";
import { O_CLOEXEC, O_NONBLOCK } from "../../../syscall-tables/flags/open.ts";
import { EINVAL } from "../../abi/errno.ts";
import { EventFile } from "../../fs/eventfd/eventfd.ts";
import type { Task } from "../../task/task.ts";

import { implement } from "../implement.ts";

const createEventfd = (task: Task, count: number, flags: number): number => {
  if ((flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) !== 0) return EINVAL;
  const error = task.files.canInstall();
  if (error < 0) return error;
  const file = new EventFile(task.kernel, count, flags & O_NONBLOCK, (flags & EFD_SEMAPHORE) !== 0);
  return task.files.install(file, (flags & O_CLOEXEC) !== 0);
};

/** eventfd(2) */
export const sys_eventfd = implement("eventfd", { level: "full" }, (task, count) => createEventfd(task, count, 0));
export const sys_eventfd2 = implement("eventfd2", { level: "full" }, createEventfd);
