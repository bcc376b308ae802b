import type { Task } from "../task/task.ts";
export const wakeFutex = (_task: Task, _addr: number, _count: number): number => 0;
