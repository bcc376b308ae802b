/** prctl(2) about what a program may make of its memory (kernel/sys.c): PR_SET_MDWE, PR_SET_MEMORY_MERGE. */
import { EFAULT, EINVAL, EPERM } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";

const MDWE_REFUSE_EXEC_GAIN = 1;
const MDWE_NO_INHERIT = 2;

/** Once refused, for ever: other bits than those that are set are refused. */
export const setExecGain = ({ process }: Task, bits: number, isPlain: boolean): number => {
  if (!isPlain || bits > (MDWE_REFUSE_EXEC_GAIN | MDWE_NO_INHERIT) || bits === MDWE_NO_INHERIT) return EINVAL;
  const before = getExecGain(process);
  if (before !== 0 && before !== bits) return EPERM;
  process.refusesExecGain = bits !== 0;
  process.inheritsExecGain = (bits & MDWE_NO_INHERIT) === 0;
  return 0;
};

export const getExecGain = ({ refusesExecGain, inheritsExecGain }: Task["process"]): number => {
  if (!refusesExecGain) return 0;
  return inheritsExecGain ? MDWE_REFUSE_EXEC_GAIN : MDWE_REFUSE_EXEC_GAIN | MDWE_NO_INHERIT;
};

/** Pages that are alike are the host's affair; the wish is kept. */
export const setMemoryMerge = ({ process }: Task, wanted: number, isPlain: boolean): number => {
  if (!isPlain) return EINVAL;
  process.mergesMemory = wanted !== 0;
  return 0;
};

/** PR_GET_AUXV */
export const getAuxv = (task: Task, addr: UserAddr, length: number): number => {
  const { auxv } = task.mm;
  const written = Math.min(length, auxv.length);
  return task.memory.writeFrom(addr, auxv, 0, written) === written ? auxv.length : EFAULT;
};
