import type { Task } from "../task/task.ts";
export const releaseOwnedPiFutexes = (_task: Task): void => {};
