import { EINVAL } from "../../abi/errno.ts";
import { MLOCK_ONFAULT } from "../../abi/mman.ts";
import { lockAll, lockMemory, unlockAll, unlockMemory } from "../../mm/lock-memory.ts";
import { implement } from "../implement.ts";

/** mlock(2) */
export const sys_mlock = implement("mlock", { level: "full" }, (task, addr, length) => lockMemory(task.mm, task, addr, length, false));

/** mlock2(2) */
export const sys_mlock2 = implement("mlock2", { level: "full" }, (task, addr, length, flags) =>
  (flags & ~MLOCK_ONFAULT) !== 0 ? EINVAL : lockMemory(task.mm, task, addr, length, (flags & MLOCK_ONFAULT) !== 0),
);

/** munlock(2) */
export const sys_munlock = implement("munlock", { level: "full" }, (task, addr, length) => unlockMemory(task.mm, addr, length));

/** mlockall(2) */
export const sys_mlockall = implement("mlockall", { level: "full" }, (task, flags) => lockAll(task.mm, task, flags));

/** munlockall(2) */
export const sys_munlockall = implement("munlockall", { level: "full" }, (task) => unlockAll(task.mm));
