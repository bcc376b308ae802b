import { EBUSY, EINVAL, ENOMEM } from "../../abi/errno.ts";
import { MS_ASYNC, MS_INVALIDATE, MS_SYNC, PAGE_SIZE, pageAlign } from "../../abi/mman.ts";
import { VM_LOCKED } from "../../mm/vma.ts";
import { implement } from "../implement.ts";

/** msync(2). Mappings and files share the host's page cache, so there is nothing to write back for others to see. */
export const sys_msync = implement("msync", { level: "full" }, (task, start, length, flags) => {
  if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) !== 0 || start % PAGE_SIZE !== 0) return EINVAL;
  if (flags & MS_ASYNC && flags & MS_SYNC) return EINVAL;
  const end = start + pageAlign(length);
  // A length within a page of 2^64 has been rounded to 0.
  if (pageAlign(length) >= 2 ** 64) return 0;
  if (end > 2 ** 64) return ENOMEM;
  if (flags & MS_INVALIDATE) {
    for (const vma of task.mm.map.overlapping(start, end)) if (vma.flags & VM_LOCKED) return EBUSY;
  }
  return task.mm.map.covers(start, end) ? 0 : ENOMEM;
});
