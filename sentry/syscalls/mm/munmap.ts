import { implement } from "../implement.ts";

/** munmap(2) */
export const sys_munmap = implement("munmap", { level: "full" }, (task, addr, length) => task.mm.munmap(task, addr, length));
