/** Where things go in a 47-bit address space (arch/x86/mm/mmap.c, fs/binfmt_elf.c). */
import { PAGE_SIZE, pageStart } from "../abi/mman.ts";
import type { Kernel } from "../kernel.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "./user-memory.ts";

export const MMAP_MIN_ADDR = 65536;
/** vm.max_map_count */
export const MAX_MAP_COUNT = 65530;
/** stack_guard_gap: 256 pages. */
export const STACK_GUARD_GAP = 256 * PAGE_SIZE;
/** TASK_UNMAPPED_BASE: where the search upwards starts when the top is full. */
export const TASK_UNMAPPED_BASE = pageStart(USER_ADDR_LIMIT / 3);
/** ELF_ET_DYN_BASE: programs that are position independent and have an interpreter. */
export const ELF_ET_DYN_BASE = pageStart((USER_ADDR_LIMIT / 3) * 2);
/** What the platform gets above the first mapping. */
export const TRAMPOLINE_AREA_SIZE = 65536;
/** _STK_LIM: the stack limit that a set-user-ID program gets at most. */
export const DEFAULT_STACK_LIMIT = 8 * 1024 * 1024;
/** With an unlimited or huge stack limit this much is mapped; more comes by faults. */
const LARGEST_INITIAL_STACK = 64 * 1024 * 1024;
const SMALLEST_INITIAL_STACK = 128 * 1024;
const STACK_RANDOM_BYTES = 2 ** 34;
const MMAP_RANDOM_PAGES = 2 ** 28;
/** The least and the most that mmap_base stays below the top. */
const LEAST_GAP = 128 * 1024 * 1024;
const MOST_GAP = pageStart((USER_ADDR_LIMIT / 6) * 5);

const bytes = new Uint8Array(8);
const view = new DataView(bytes.buffer);

/** A page-aligned random number of bytes below `range`. */
export const randomOffset = (kernel: Kernel, range: number): number => {
  kernel.random(bytes, 0, 8);
  const value = (view.getUint32(0, true) % 2 ** 21) * 2 ** 32 + view.getUint32(4, true);
  return pageStart(value % range);
};

export interface Layout {
  /** The first address after the stack, and the lowest that is mapped for it at once. */
  readonly stackTop: UserAddr;
  readonly stackBottom: UserAddr;
  /** Mappings go below it, downwards. */
  readonly mmapBase: UserAddr;
  /** Added to ELF_ET_DYN_BASE. */
  readonly loadOffset: number;
}

/** Chooses the places for one program: random unless its personality says otherwise. */
export const chooseLayout = (kernel: Kernel, stackLimit: number, isRandomized: boolean): Layout => {
  const size = pageStart(Math.min(Math.max(stackLimit, SMALLEST_INITIAL_STACK), LARGEST_INITIAL_STACK));
  const random = (range: number): number => (isRandomized ? randomOffset(kernel, range) : 0);
  let stackTop = USER_ADDR_LIMIT - random(STACK_RANDOM_BYTES);
  // The platform's areas near the top do not move: the stack goes below those in its way.
  const ranges = [...kernel.platform.reserved].sort((a, b) => b.start - a.start);
  for (const range of ranges) {
    if (range.end > stackTop - size - STACK_GUARD_GAP && range.start < stackTop) stackTop = pageStart(range.start) - PAGE_SIZE;
  }
  const gap = Math.min(Math.max(stackLimit + STACK_GUARD_GAP, LEAST_GAP), MOST_GAP);
  const mmapRandom = random(MMAP_RANDOM_PAGES * PAGE_SIZE);
  return {
    stackTop,
    stackBottom: stackTop - size,
    mmapBase: pageStart(Math.min(stackTop - gap, USER_ADDR_LIMIT - gap - (isRandomized ? STACK_RANDOM_BYTES : 0) - mmapRandom)),
    loadOffset: random(MMAP_RANDOM_PAGES * PAGE_SIZE),
  };
};
