import { adviseMemory } from "../../mm/advice.ts";
import { implement } from "../implement.ts";

/** madvise(2) */
export const sys_madvise = implement("madvise", { level: "full" }, (task, addr, length, advice) =>
  adviseMemory(task.mm, task.thread, addr, length, advice),
);
