/** prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME): names for anonymous memory in /proc/pid/maps. */
import { EBADF, EINVAL, ENOMEM } from "../abi/errno.ts";
import { PAGE_SIZE, pageAlign } from "../abi/mman.ts";
import type { AddressSpace } from "./address-space.ts";
import type { UserAddr } from "./user-memory.ts";

/** ANON_VMA_NAME_MAX_LEN, with the NUL. */
export const ANON_NAME_MAX = 80;

/** Characters that a name may not have (is_valid_name_char). */
const isValidName = (name: string): boolean => {
  for (const char of name) if (char < " " || char > "~" || "\\`$[]".includes(char)) return false;
  return true;
};

/** Names the anonymous memory in the range; "" takes the name away. 0 or an errno. */
export const nameMemory = (mm: AddressSpace, start: UserAddr, length: number, name: string): number => {
  if (name.length >= ANON_NAME_MAX || !isValidName(name) || start % PAGE_SIZE !== 0) return EINVAL;
  const end = start + pageAlign(length);
  if (end > 2 ** 64) return EINVAL;
  if (end === start) return 0;
  let at = start;
  let hasHole = false;
  for (const vma of mm.map.overlapping(start, end)) {
    if (vma.isPlatform) continue;
    if (vma.file !== null) return EBADF;
    if (vma.start > at) hasHole = true;
    const stop = Math.min(vma.end, end);
    mm.map.change(Math.max(vma.start, start), stop, { name });
    at = stop;
  }
  return hasHole || at < end ? ENOMEM : 0;
};
