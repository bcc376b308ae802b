import { EFAULT, EINVAL, ENOMEM } from "../../abi/errno.ts";
import { PAGE_SIZE, pageAlign } from "../../abi/mman.ts";
import { reportError } from "../../mm/unmap-memory.ts";
import { USER_ADDR_LIMIT } from "../../mm/user-memory.ts";
import { implement } from "../implement.ts";

const resident = new Uint8Array(4096).fill(1);

/** mincore(2). The host knows; a platform that cannot ask it shows all mapped pages as resident. */
export const sys_mincore = implement("mincore", { level: "full" }, (task, start, length, vecAddr) => {
  if (start % PAGE_SIZE !== 0) return EINVAL;
  if (start > USER_ADDR_LIMIT || length > USER_ADDR_LIMIT - start) return ENOMEM;
  const pages = pageAlign(length) / PAGE_SIZE;
  if (vecAddr > USER_ADDR_LIMIT - pages) return EFAULT;
  if (!task.mm.map.covers(start, start + pages * PAGE_SIZE)) return ENOMEM;
  const { ops } = task.thread;
  if (ops.mincore !== undefined && pages > 0) {
    ops.mincore(start, pages * PAGE_SIZE, vecAddr);
    ops.onFailure = reportError;
    return 0;
  }
  for (let done = 0; done < pages; done += resident.length) {
    const count = Math.min(pages - done, resident.length);
    if (task.memory.writeFrom(vecAddr + done, resident, 0, count) < count) return EFAULT;
  }
  return 0;
});
