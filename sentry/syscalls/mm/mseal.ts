import { EINVAL, ENOMEM } from "../../abi/errno.ts";
import { PAGE_SIZE, pageAlign } from "../../abi/mman.ts";
import { VM_SEALED } from "../../mm/vma.ts";
import { implement } from "../implement.ts";

/** mseal(2) */
export const sys_mseal = implement("mseal", { level: "full" }, (task, start, length, flags) => {
  if (flags !== 0 || start % PAGE_SIZE !== 0) return EINVAL;
  const end = start + pageAlign(length);
  if (end > 2 ** 64) return EINVAL;
  if (end === start) return 0;
  if (!task.mm.map.covers(start, end)) return ENOMEM;
  task.mm.map.change(start, end, { setFlags: VM_SEALED });
  return 0;
});
