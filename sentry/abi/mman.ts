/** Memory mappings (mmap(2), linux/mman.h): the flag values, pages, and combinations of flags that the kernel checks. */
import {
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_DENYWRITE,
  MAP_EXECUTABLE,
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_HUGE_MASK,
  MAP_HUGE_SHIFT,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_STACK,
  MAP_UNINITIALIZED,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from "../../syscall-tables/flags/mm.ts";

export * from "../../syscall-tables/flags/mm.ts";

export const PAGE_SIZE = 4096;
/** PAGE_ALIGN; exact for doubles below 2^53. */
export const pageAlign = (value: number): number => Math.ceil(value / PAGE_SIZE) * PAGE_SIZE;
export const pageStart = (value: number): number => value - (value % PAGE_SIZE);

export const PROT_RWX = PROT_READ | PROT_WRITE | PROT_EXEC;

/** LEGACY_MAP_MASK: what MAP_SHARED_VALIDATE accepts (include/linux/mman.h). */
export const LEGACY_MAP_MASK =
  MAP_SHARED |
  MAP_PRIVATE |
  MAP_FIXED |
  MAP_ANONYMOUS |
  MAP_DENYWRITE |
  MAP_EXECUTABLE |
  MAP_UNINITIALIZED |
  MAP_GROWSDOWN |
  MAP_LOCKED |
  MAP_NORESERVE |
  MAP_POPULATE |
  MAP_NONBLOCK |
  MAP_STACK |
  MAP_HUGETLB |
  MAP_32BIT |
  (MAP_HUGE_MASK << MAP_HUGE_SHIFT);
