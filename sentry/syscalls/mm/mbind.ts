import { CAP_SYS_NICE } from "../../../syscall-tables/flags/system.ts";
import { EFAULT, EINVAL, ENOENT, EOPNOTSUPP, EPERM, isErrno } from "../../abi/errno.ts";
import {
  MPOL_BIND,
  MPOL_DEFAULT,
  MPOL_MASK,
  MPOL_MF_MOVE,
  MPOL_MF_MOVE_ALL,
  MPOL_MF_STRICT,
  MPOL_PREFERRED_MANY,
  PAGE_SIZE,
  pageAlign,
} from "../../abi/mman.ts";
import { makePolicy, readNodes } from "../../mm/memory-policy.ts";
import { implement } from "../implement.ts";

const KNOWN_FLAGS = MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL;

/** mbind(2) */
export const sys_mbind = implement("mbind", { level: "full" }, (task, start, length, mode, maskAddr, maxNode, flags) => {
  const mask = readNodes(task.memory, maskAddr, maxNode);
  if (isErrno(mask)) return mask;
  if ((flags & ~KNOWN_FLAGS) !== 0) return EINVAL;
  if (flags & MPOL_MF_MOVE_ALL && !task.creds.has(CAP_SYS_NICE)) return EPERM;
  const end = start + pageAlign(length);
  if (start % PAGE_SIZE !== 0 || end > 2 ** 64) return EINVAL;
  if (end === start) return 0;
  const policy = makePolicy(mode, mask);
  if (policy !== null && isErrno(policy)) return policy;
  // Only the default policy may be given to a range with holes.
  const { map } = task.mm;
  const first = map.overlapping(start, end)[0];
  if (first === undefined || ((mode & MPOL_MASK) !== MPOL_DEFAULT && !map.covers(start, end))) return EFAULT;
  map.change(start, end, { policy });
  return 0;
});

/** set_mempolicy_home_node(2) */
export const sys_set_mempolicy_home_node = implement(
  "set_mempolicy_home_node",
  { level: "full" },
  (task, start, length, homeNode, flags) => {
    const end = start + pageAlign(length);
    if (start % PAGE_SIZE !== 0 || flags !== 0 || homeNode !== 0 || end > 2 ** 64) return EINVAL;
    let result: number = end === start ? 0 : ENOENT;
    for (const vma of task.mm.map.overlapping(start, end)) {
      if (vma.policy === null) continue;
      const mode = vma.policy.mode & MPOL_MASK;
      if (mode !== MPOL_BIND && mode !== MPOL_PREFERRED_MANY) return EOPNOTSUPP;
      result = 0;
    }
    return result;
  },
);
