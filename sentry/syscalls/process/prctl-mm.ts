/** PR_SET_MM: what /proc/pid shows of the memory layout (kernel/sys.c prctl_set_mm). */

import { CAP_SYS_RESOURCE } from "../../../syscall-tables/flags/system.ts";
import { EFAULT, EINVAL, EPERM, isErrno } from "../../abi/errno.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";

const PR_SET_MM_BRK = 7;
const PR_SET_MM_AUXV = 12;
/** The fields by option, from PR_SET_MM_START_CODE on. */
const FIELDS = [
  "",
  "codeStart",
  "codeEnd",
  "dataStart",
  "dataEnd",
  "stackStart",
  "brkStart",
  "brk",
  "argStart",
  "argEnd",
  "envStart",
  "envEnd",
] as const;

const setAuxv = (task: Task, addr: UserAddr, length: number): number => {
  if (length === 0 || length > 4096) return EINVAL;
  const auxv = task.memory.copyIn(addr, length);
  if (isErrno(auxv)) return EFAULT;
  task.mm.auxv = auxv;
  return 0;
};

export const setMemoryMap = (task: Task, option: number, addr: UserAddr, arg5: number): number => {
  if (arg5 !== 0 && option !== PR_SET_MM_AUXV) return EINVAL;
  if (!task.creds.has(CAP_SYS_RESOURCE)) return EPERM;
  if (option === PR_SET_MM_AUXV) return setAuxv(task, addr, arg5);
  const field = FIELDS[option];
  if (field === undefined || field === "" || addr >= USER_ADDR_LIMIT) return EINVAL;
  // The break moves by brk(2) alone: memory goes with it.
  if (option === PR_SET_MM_BRK) return EINVAL;
  if (option < PR_SET_MM_BRK && task.mm.find(addr) === null) return EINVAL;
  task.mm[field] = addr;
  return 0;
};
