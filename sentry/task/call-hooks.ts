/** How a call that was held up before it began goes on. Set once, by the dispatcher. */
import type { Task } from "./task.ts";

export const callHooks: {
  /** `result`: what the call returns if the tracer has taken its number away. */
  resume: ((task: Task, from: "entry" | "seccomp" | "let-through", result: number) => void) | null;
} = { resume: null };
