import { EINVAL } from "../../abi/errno.ts";
import { MAP_FIXED, MAP_NONBLOCK, MAP_POPULATE, MAP_SHARED, PAGE_SIZE, pageStart } from "../../abi/mman.ts";
import { mapObject } from "../../mm/map-memory.ts";
import { implement } from "../implement.ts";

/** remap_file_pages(2): since Linux 4.0 an ordinary mapping of the same file at another offset. */
export const sys_remap_file_pages = implement("remap_file_pages", { level: "full" }, (task, addr, length, prot, pgoff, flags) => {
  const start = pageStart(addr);
  const size = pageStart(length);
  if (prot !== 0 || size === 0 || start + size > 2 ** 64 || pgoff + size / PAGE_SIZE > 2 ** 52) return EINVAL;
  const { mm } = task;
  const vma = mm.find(start);
  if (vma === null || !vma.isShared || !mm.map.covers(start, start + size)) return EINVAL;
  for (const area of mm.map.overlapping(start, start + size)) {
    if (area.file !== vma.file || area.prot !== vma.prot || area.flags !== vma.flags) return EINVAL;
  }
  // Shared memory without a file has no fd here that could be mapped again.
  if (vma.file === null) return EINVAL;
  const mapFlags = MAP_SHARED | MAP_FIXED | MAP_POPULATE | (flags & MAP_NONBLOCK);
  const result = mapObject(mm, task, start, size, vma.prot, mapFlags, vma.file, pgoff * PAGE_SIZE);
  return Math.min(result, 0);
});
