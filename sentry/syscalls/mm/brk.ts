import { implement } from "../implement.ts";

/** brk(2) */
export const sys_brk = implement("brk", { level: "full" }, (task, addr) => task.mm.setBreak(task, addr));
