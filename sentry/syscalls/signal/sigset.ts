/** sigset_t in guest memory: two u32 halves. The last set read stays in `sigset`, so that no call allocates. */
import { EFAULT } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";

export const sigset = { lo: 0, hi: 0 };

const buffer = new Uint8Array(8);
const view = new DataView(buffer.buffer);

/** Reads into `sigset`: 0 or EFAULT. */
export const readSigset = (task: Task, addr: UserAddr): number => {
  if (task.memory.readInto(addr, buffer, 0, 8) !== 8) return EFAULT;
  sigset.lo = view.getUint32(0, true);
  sigset.hi = view.getUint32(4, true);
  return 0;
};

export const writeSigset = (task: Task, addr: UserAddr, lo: number, hi: number, length = 8): number => {
  view.setUint32(0, lo, true);
  view.setUint32(4, hi, true);
  return task.memory.writeFrom(addr, buffer, 0, length) === length ? 0 : EFAULT;
};
