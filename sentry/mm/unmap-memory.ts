/** munmap(2) */
import { EINVAL, ENOMEM, EPERM, type Errno } from "../abi/errno.ts";
import { PAGE_SIZE, pageAlign } from "../abi/mman.ts";
import type { GuestThread } from "../platform/platform.ts";
import type { AddressSpace } from "./address-space.ts";
import { MAX_MAP_COUNT } from "./layout.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "./user-memory.ts";

/** For operations whose map change stays as it is when the host refuses. */
export const reportError = (_index: number, error: Errno): number => error;

export const unmapMemory = (mm: AddressSpace, thread: GuestThread, addr: UserAddr, length: number): number => {
  if (addr % PAGE_SIZE !== 0 || addr > USER_ADDR_LIMIT || length > USER_ADDR_LIMIT - addr) return EINVAL;
  const end = addr + pageAlign(length);
  return end === addr ? EINVAL : unmapRange(mm, thread, addr, end);
};

/** Takes [start, end), page aligned, out of the map and out of the host process. */
export const unmapRange = (mm: AddressSpace, thread: GuestThread, start: UserAddr, end: UserAddr): number => {
  const { map } = mm;
  const areas = map.overlapping(start, end);
  if (areas.length === 0) return 0;
  let hasPlatform = false;
  for (const vma of areas) {
    if (vma.isSealed) return EPERM;
    hasPlatform ||= vma.isPlatform;
  }
  // A cut in the middle of one area makes two of it.
  if (areas.length === 1 && areas[0].start < start && areas[0].end > end && map.count >= MAX_MAP_COUNT) return ENOMEM;
  if (hasPlatform) {
    for (const vma of areas) {
      if (!vma.isPlatform) thread.ops.unmap(Math.max(vma.start, start), Math.min(vma.end, end) - Math.max(vma.start, start));
    }
  } else {
    thread.ops.unmap(start, end - start);
  }
  thread.ops.onFailure = reportError;
  map.remove(start, end);
  mm.noteUnmap(thread, start, end);
  return 0;
};
