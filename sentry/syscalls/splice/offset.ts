/** The optional offset argument of splice(2), sendfile(2) and copy_file_range(2). */
import { EFAULT, EINVAL } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";

const bytes = new Uint8Array(8);
const view = new DataView(bytes.buffer);

/** No pointer was given: the file's own position counts. */
export const OWN_POSITION = -1;

/** The loff_t at `addr`; OWN_POSITION for NULL. EFAULT, or EINVAL when negative, are below -1. */
export const readOffset = (task: Task, addr: UserAddr): number => {
  if (addr === 0) return OWN_POSITION;
  if (task.memory.readInto(addr, bytes, 0, 8) !== 8) return EFAULT;
  const high = view.getInt32(4, true);
  return high < 0 ? EINVAL : high * 2 ** 32 + view.getUint32(0, true);
};

/** Stores the offset after the transfer. The result, or EFAULT. */
export const storeOffset = (task: Task, addr: UserAddr, offset: number, result: number): number =>
  addr !== 0 && task.memory.storeU64(addr, offset) < 0 ? EFAULT : result;
