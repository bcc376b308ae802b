import { implement } from "../implement.ts";

/** mremap(2) */
export const sys_mremap = implement("mremap", { level: "full" }, (task, addr, oldLength, newLength, flags, newAddr) =>
  task.mm.mremap(task, addr, oldLength, newLength, flags, newAddr),
);
