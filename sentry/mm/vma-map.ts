/**
 * The VMAs of an address space in address order, and the page counts that limits and
 * /proc ask for. An ordered array: lookups are binary searches, and a splice of the
 * 65530 areas that Linux allows at most is one short memmove.
 */
import { PAGE_SIZE, PROT_EXEC, PROT_WRITE } from "../abi/mman.ts";
import type { UserAddr } from "./user-memory.ts";
import { isSharedWritable, type MemoryPolicy, VM_GROWSDOWN, VM_LOCKED, VM_PLATFORM, VM_SHARED, VM_STACK_AREA, type Vma } from "./vma.ts";

/** What `change` alters; absent: unchanged. */
export interface VmaChange {
  prot?: number;
  setFlags?: number;
  clearFlags?: number;
  name?: string;
  policy?: MemoryPolicy | null;
}

export class VmaMap {
  /** Ordered by address, never overlapping. Only this class writes to it. */
  readonly list: Vma[] = [];
  totalPages = 0;
  dataPages = 0;
  stackPages = 0;
  execPages = 0;
  lockedPages = 0;
  peakPages = 0;
  /** Areas that are the platform's. */
  #platformCount = 0;
  /** Counts the changes by which an area may have ended or lost a right. */
  losses = 0;
  /** Below it the initial stack is mapped but not yet counted: Linux would not have grown it so far. */
  stackFloor = 0;
  /** No gap of more than `#gapBound` bytes lies in [#searchFrom, #searchCeiling): a first fit may start below. */
  #searchCeiling = 0;
  #searchFrom = 0;
  #gapBound = 0;

  /** The guest's areas (mm->map_count). */
  get count(): number {
    return this.list.length - this.#platformCount;
  }

  /** The index of the first area that ends after `addr`; `list.length` if none. */
  indexFrom(addr: UserAddr): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.list[middle].end > addr) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The area that holds `addr`, or null. */
  find(addr: UserAddr): Vma | null {
    const vma = this.list[this.indexFrom(addr)];
    return vma !== undefined && vma.start <= addr ? vma : null;
  }

  /** The first area that ends after `addr` (find_vma), or null. */
  findFrom(addr: UserAddr): Vma | null {
    return this.list[this.indexFrom(addr)] ?? null;
  }

  isFree(start: UserAddr, end: UserAddr): boolean {
    const vma = this.list[this.indexFrom(start)];
    return vma === undefined || vma.start >= end;
  }

  /** True when [start, end) has no hole; the platform's hidden areas are holes. */
  covers(start: UserAddr, end: UserAddr): boolean {
    let at = start;
    for (let i = this.indexFrom(start); at < end; i++) {
      const vma = this.list[i];
      if (vma === undefined || vma.start > at || (vma.isPlatform && vma.name === "")) return false;
      at = vma.end;
    }
    return true;
  }

  /** The areas that touch [start, end); the platform's too. */
  overlapping(start: UserAddr, end: UserAddr): Vma[] {
    const first = this.indexFrom(start);
    let last = first;
    while (last < this.list.length && this.list[last].start < end) last++;
    return this.list.slice(first, last);
  }

  /** Adds an area where nothing is, joined with its neighbours if alike. Its file reference is taken over. */
  insert(vma: Vma): void {
    this.#count(vma, 1);
    if (this.totalPages > this.peakPages) this.peakPages = this.totalPages;
    const index = this.indexFrom(vma.start);
    const before = this.list[index - 1];
    const after = this.list[index];
    const joinsBefore = before?.joins(vma) ?? false;
    const joinsAfter = after !== undefined && vma.joins(after);
    if (joinsBefore) {
      before.end = vma.end;
      drop(vma);
      if (!joinsAfter) return;
      before.end = after.end;
      this.list.splice(index, 1);
      drop(after);
    } else if (joinsAfter) {
      after.start = vma.start;
      after.offset = vma.offset;
      drop(vma);
    } else {
      this.list.splice(index, 0, vma);
    }
  }

  /** Removes [start, end) from the guest's areas, splitting those at the edges, and drops their file references. */
  remove(start: UserAddr, end: UserAddr): void {
    this.losses++;
    this.#split(start);
    this.#split(end);
    const first = this.indexFrom(start);
    let kept = first;
    let last = first;
    for (; last < this.list.length && this.list[last].start < end; last++) {
      const vma = this.list[last];
      if (vma.isPlatform) {
        this.list[kept++] = vma;
        continue;
      }
      this.#count(vma, -1);
      drop(vma);
    }
    if (kept === last) return;
    this.list.splice(kept, last - kept);
    this.#noteGap(start);
  }

  /** Applies `change` to the guest's areas in [start, end), then joins what became alike. */
  change(start: UserAddr, end: UserAddr, change: VmaChange): void {
    this.losses++;
    this.#split(start);
    this.#split(end);
    const first = this.indexFrom(start);
    let last = first;
    for (; last < this.list.length && this.list[last].start < end; last++) {
      const vma = this.list[last];
      if (vma.isPlatform) continue;
      this.#count(vma, -1);
      if (change.prot !== undefined) vma.protect(change.prot);
      vma.flags = (vma.flags & ~(change.clearFlags ?? 0)) | (change.setFlags ?? 0);
      if (change.name !== undefined) vma.name = change.name;
      if (change.policy !== undefined) vma.policy = change.policy;
      this.#count(vma, 1);
    }
    this.#join(Math.max(first - 1, 0), Math.min(last, this.list.length - 1));
  }

  /** How many areas more there would be if [start, end) had edges of its own. */
  splitsFor(start: UserAddr, end: UserAddr): number {
    const cuts = (addr: UserAddr): number => {
      const vma = this.find(addr);
      return vma !== null && vma.start < addr && !vma.isPlatform ? 1 : 0;
    };
    return cuts(start) + cuts(end);
  }

  /** Guest pages mapped in [start, end). */
  pagesIn(start: UserAddr, end: UserAddr): number {
    let bytes = 0;
    for (let i = this.indexFrom(start); i < this.list.length && this.list[i].start < end; i++) {
      const vma = this.list[i];
      if (!vma.isPlatform) bytes += Math.min(vma.end, end) - Math.max(vma.start, start);
    }
    return bytes / PAGE_SIZE;
  }

  /**
   * The highest address in [floor, ceiling) with `length` free bytes, aligned, or -1. The gap that
   * Linux keeps below a growing area (stack_guard_gap) stays free.
   */
  findGapBelow(length: number, floor: UserAddr, ceiling: UserAddr, align: number, guard: number): UserAddr {
    if (ceiling !== this.#searchCeiling || length <= this.#gapBound) {
      this.#searchCeiling = this.#searchFrom = ceiling;
      this.#gapBound = 0;
    }
    let top = this.#searchFrom;
    let bound = this.#gapBound;
    for (let i = this.indexFrom(top - 1); ; i--) {
      // The gap above area i - 1 and below area i.
      const above = this.list[i];
      if (above !== undefined) {
        const low = above.flags & VM_GROWSDOWN ? above.start - guard : above.start;
        if (low < top) top = low;
      }
      const bottom = Math.max(i > 0 ? this.list[i - 1].end : 0, floor);
      const at = Math.floor((top - length) / align) * align;
      if (at >= bottom) {
        this.#searchFrom = at + length;
        this.#gapBound = Math.max(bound, top - this.#searchFrom);
        return at;
      }
      if (top > bottom) bound = Math.max(bound, top - bottom);
      if (i <= 0 || this.list[i - 1].start <= floor) return -1;
      top = Math.min(top, this.list[i - 1].start);
    }
  }

  /** The lowest such address at or above `floor` (MAP_32BIT, the fallback when the top is full), or -1. */
  findGapAbove(length: number, floor: UserAddr, ceiling: UserAddr, align: number, guard: number): UserAddr {
    let at = Math.ceil(floor / align) * align;
    for (let i = this.indexFrom(at); ; i++) {
      const next = this.list[i];
      const limit = next === undefined ? ceiling : next.flags & VM_GROWSDOWN ? next.start - guard : next.start;
      if (at + length <= Math.min(limit, ceiling)) return at;
      if (next === undefined || next.end >= ceiling) return -1;
      at = Math.ceil(next.end / align) * align;
    }
  }

  /** Adds an area above all others as it is (fork, start). Its file reference is taken over. */
  append(vma: Vma): void {
    this.list.push(vma);
    this.#count(vma, 1);
    if (this.totalPages > this.peakPages) this.peakPages = this.totalPages;
  }

  /** Adds copies of the guest's areas of `other` to a map that holds the platform's alone (dup_mmap). */
  copyFrom(other: VmaMap, withoutFlags: number, clearFlags: number): void {
    this.stackFloor = other.stackFloor;
    this.list.length = 0;
    this.#platformCount = 0;
    for (const vma of other.list) {
      if ((vma.flags & withoutFlags) !== 0) continue;
      const copy = vma.piece(vma.start, vma.end);
      copy.flags &= ~clearFlags;
      this.append(copy);
    }
    this.peakPages = this.totalPages;
  }

  /** Forgets everything, dropping the file references. */
  clear(): void {
    this.losses++;
    for (const vma of this.list) if (!vma.isPlatform) drop(vma);
    this.list.length = 0;
    this.#platformCount = 0;
    this.totalPages = this.dataPages = this.stackPages = this.execPages = this.lockedPages = 0;
  }

  #split(addr: UserAddr): void {
    const index = this.indexFrom(addr);
    const vma = this.list[index];
    if (vma === undefined || vma.start >= addr || vma.isPlatform) return;
    const upper = vma.piece(addr, vma.end);
    this.#count(vma, -1);
    vma.end = addr;
    this.#count(vma, 1);
    this.#count(upper, 1);
    this.list.splice(index + 1, 0, upper);
  }

  /** Joins alike neighbours among the indexes first…last. */
  #join(first: number, last: number): void {
    for (let i = last; i > first; i--) {
      const left = this.list[i - 1];
      const right = this.list[i];
      if (!left.joins(right)) continue;
      left.end = right.end;
      this.list.splice(i, 1);
      drop(right);
    }
  }

  /** Keeps the first-fit memory true after [start, end) became free. */
  #noteGap(start: UserAddr): void {
    const index = this.indexFrom(start);
    const bottom = this.list[index - 1]?.end ?? 0;
    const top = Math.min(this.list[index]?.start ?? this.#searchCeiling, this.#searchCeiling);
    if (top <= this.#searchFrom) return;
    if (bottom < this.#searchFrom) this.#searchFrom = top;
    else this.#gapBound = Math.max(this.#gapBound, top - bottom);
  }

  /** Adds (1) or takes away (-1) the pages of `vma` (vm_stat_account). */
  #count(vma: Vma, sign: number): void {
    if (vma.flags & VM_PLATFORM) {
      this.#platformCount += sign;
      return;
    }
    const start = vma.flags & VM_STACK_AREA ? Math.min(Math.max(vma.start, this.stackFloor), vma.end) : vma.start;
    const pages = (sign * (vma.end - start)) / PAGE_SIZE;
    if ((vma.flags & VM_LOCKED) !== 0) this.lockedPages += pages;
    this.totalPages += pages;
    if ((vma.flags & VM_GROWSDOWN) !== 0) this.stackPages += pages;
    else if ((vma.prot & (PROT_EXEC | PROT_WRITE)) === PROT_EXEC) this.execPages += pages;
    else if ((vma.prot & PROT_WRITE) !== 0 && (vma.flags & VM_SHARED) === 0) this.dataPages += pages;
  }
}

/** One area less refers to the file. */
const drop = (vma: Vma): void => {
  vma.file?.putMapping(isSharedWritable(vma));
};
