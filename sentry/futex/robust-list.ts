import type { Task } from "../task/task.ts";
export const releaseRobustList = (_task: Task, _head: number): void => {};
