/** munmap(2) */
import { EINVAL, ENOMEM, EPERM, type Errno } from "../abi/errno.ts";
import { PAGE_SIZE, pageAlign } from "../abi/mman.ts";
import type { GuestThread } from "../platform/platform.ts";
import type { AddressSpace } from "./address-space.ts";
import { MAX_MAP_COUNT } from "./layout.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "./user-memory.ts";
import type { Vma } from "./vma.ts";

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
  if (hasPlatform) forEachRun(areas, start, end, (from, to) => thread.ops.unmap(from, to - from));
  else thread.ops.unmap(start, end - start);
  thread.ops.onFailure = reportError;
  map.remove(start, end);
  mm.noteUnmap(thread, start, end);
  return 0;
};

/** The stretches of [start, end) without a hole that `areas` cover, the platform's left out: one host operation each. */
export const forEachRun = (areas: readonly Vma[], start: UserAddr, end: UserAddr, visit: (from: UserAddr, to: UserAddr) => void): void => {
  let from = -1;
  let to = -1;
  for (const vma of areas) {
    if (vma.start !== to || vma.isPlatform || from < 0) {
      if (from >= 0) visit(from, to);
      from = vma.isPlatform ? -1 : Math.max(vma.start, start);
    }
    to = Math.min(vma.end, end);
  }
  if (from >= 0) visit(from, to);
};
