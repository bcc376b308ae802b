/** One virtual memory area: a range of pages with the same protection and backing. */
import type { FileMapping } from "./file-mapping.ts";
import type { UserAddr } from "./user-memory.ts";

/** Shared anonymous memory (MAP_SHARED | MAP_ANONYMOUS, /dev/zero): its identity for futexes and /proc/pid/maps. */
export interface SharedMemory {
  readonly ino: number;
}

export class Vma {
  start: UserAddr;
  /** The first address after it. */
  end: UserAddr;
  /** PROT_READ | PROT_WRITE | PROT_EXEC. */
  prot: number;
  /** VM_* of this file. */
  flags: number;
  /** Byte offset of `start` in its file or shared memory; for private anonymous memory `start` itself. */
  offset: number;
  readonly file: FileMapping | null;
  readonly shared: SharedMemory | null;

  constructor(
    start: UserAddr,
    end: UserAddr,
    prot: number,
    flags: number,
    offset: number,
    file: FileMapping | null,
    shared: SharedMemory | null,
  ) {
    this.start = start;
    this.end = end;
    this.prot = prot;
    this.flags = flags;
    this.offset = offset;
    this.file = file;
    this.shared = shared;
  }

  get isShared(): boolean {
    return (this.flags & VM_SHARED) !== 0;
  }

  /** As the second column of /proc/pid/maps. */
  get permissions(): string {
    return `${this.prot & 1 ? "r" : "-"}${this.prot & 2 ? "w" : "-"}${this.prot & 4 ? "x" : "-"}${this.isShared ? "s" : "p"}`;
  }
}

export const VM_SHARED = 1;
