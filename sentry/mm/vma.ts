/** One virtual memory area (struct vm_area_struct): a range of pages with the same protection and backing. */
import { PROT_WRITE } from "../abi/mman.ts";
import type { FileMapping } from "./file-mapping.ts";
import type { UserAddr } from "./user-memory.ts";

/** MAP_SHARED: others see the writes. */
export const VM_SHARED = 1 << 0;
/** What mprotect(2) may grant, besides nothing. */
export const VM_MAYREAD = 1 << 1;
export const VM_MAYWRITE = 1 << 2;
export const VM_MAYEXEC = 1 << 3;
export const VM_MAY_ALL = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
export const VM_GROWSDOWN = 1 << 4;
export const VM_LOCKED = 1 << 5;
export const VM_LOCKONFAULT = 1 << 6;
export const VM_LOCKED_MASK = VM_LOCKED | VM_LOCKONFAULT;
/** MADV_DONTFORK */
export const VM_DONTCOPY = 1 << 7;
export const VM_WIPEONFORK = 1 << 8;
export const VM_NORESERVE = 1 << 9;
export const VM_SEQ_READ = 1 << 10;
export const VM_RAND_READ = 1 << 11;
export const VM_HUGEPAGE = 1 << 12;
export const VM_NOHUGEPAGE = 1 << 13;
export const VM_MERGEABLE = 1 << 14;
export const VM_DONTDUMP = 1 << 15;
/** mseal(2) */
export const VM_SEALED = 1 << 16;
export const VM_DROPPABLE = 1 << 17;
/** The platform's own (vDSO, stub, slots): neither the guest nor fork touches it. */
export const VM_PLATFORM = 1 << 18;
/** The initial stack: mapped whole at exec, counted as Linux would have grown it. */
export const VM_STACK_AREA = 1 << 19;
/** Was private and writable at some time, so pages of it may be the process's own (accountable_mapping). */
export const VM_ACCOUNT = 1 << 20;
/** memfd_secret(2) */
export const VM_SECRET = 1 << 21;

/** Shared memory without a file (MAP_SHARED | MAP_ANONYMOUS): its identity for futexes and /proc/pid/maps. */
export interface SharedMemory {
  readonly ino: number;
}

export class Vma {
  start: UserAddr;
  /** The first address after it. */
  end: UserAddr;
  /** PROT_READ | PROT_WRITE | PROT_EXEC. */
  prot: number;
  /** VM_*. */
  flags: number;
  /** Byte offset of `start` in its file or shared memory; 0 for private anonymous memory. */
  offset: number;
  readonly file: FileMapping | null;
  readonly shared: SharedMemory | null;
  /** PR_SET_VMA_ANON_NAME, or the platform's name; "" without. */
  name: string;
  /** Of mbind(2); null: the task's. */
  policy: MemoryPolicy | null = null;

  constructor(
    start: UserAddr,
    end: UserAddr,
    prot: number,
    flags: number,
    offset = 0,
    file: FileMapping | null = null,
    shared: SharedMemory | null = null,
    name = "",
  ) {
    this.start = start;
    this.end = end;
    this.prot = prot;
    this.flags = flags | accountFlag(prot, flags);
    this.offset = offset;
    this.file = file;
    this.shared = shared;
    this.name = name;
  }

  get isShared(): boolean {
    return (this.flags & VM_SHARED) !== 0;
  }

  /** Anonymous memory of its own (vma_is_anonymous). */
  get isAnonymous(): boolean {
    return this.file === null && this.shared === null;
  }

  get isPlatform(): boolean {
    return (this.flags & VM_PLATFORM) !== 0;
  }

  get isSealed(): boolean {
    return (this.flags & VM_SEALED) !== 0;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** st_dev and inode columns of /proc/pid/maps. */
  get device(): number {
    return this.file !== null ? this.file.inode.fs.device : this.shared !== null ? SHMEM_DEVICE : 0;
  }
  get ino(): number {
    return this.file?.inode.ino ?? this.shared?.ino ?? 0;
  }

  /** mprotect_fixup(): what was accounted once stays so. */
  protect(prot: number): void {
    this.prot = prot;
    this.flags |= accountFlag(prot, this.flags);
  }

  /** May pages of it differ from its file's? (vma->anon_vma, as far as it can be told without a look at the host.) */
  get mayHaveOwnPages(): boolean {
    return !this.isShared && (this.file === null || (this.flags & VM_ACCOUNT) !== 0 || (this.prot & PROT_WRITE) !== 0);
  }

  /** As the second column of /proc/pid/maps. */
  get permissions(): string {
    return `${this.prot & 1 ? "r" : "-"}${this.prot & 2 ? "w" : "-"}${this.prot & 4 ? "x" : "-"}${this.isShared ? "s" : "p"}`;
  }

  /** What [start, end) of this area is, without a reference of the file. */
  slice(start: UserAddr, end: UserAddr): Vma {
    const offset = this.isAnonymous ? 0 : this.offset + (start - this.start);
    const slice = new Vma(start, end, this.prot, this.flags, offset, this.file, this.shared, this.name);
    slice.policy = this.policy;
    return slice;
  }

  /** The same with a reference of its own. */
  piece(start: UserAddr, end: UserAddr): Vma {
    this.file?.takeMapping(isSharedWritable(this));
    return this.slice(start, end);
  }

  /** May `next`, which begins where this ends, be one area with it? */
  joins(next: Vma): boolean {
    return (
      this.end === next.start &&
      this.prot === next.prot &&
      this.flags === next.flags &&
      (this.flags & VM_PLATFORM) === 0 &&
      this.shared === next.shared &&
      this.name === next.name &&
      samePolicy(this.policy, next.policy) &&
      sameFile(this.file, next.file) &&
      (this.isAnonymous || this.offset + this.length === next.offset)
    );
  }
}

const NOT_ACCOUNTED = VM_SHARED | VM_NORESERVE | VM_PLATFORM;
const accountFlag = (prot: number, flags: number): number => ((prot & PROT_WRITE) !== 0 && (flags & NOT_ACCOUNTED) === 0 ? VM_ACCOUNT : 0);

/** The device of the kernel's own shmem mount, where shared anonymous memory lives. */
const SHMEM_DEVICE = 1;

export interface MemoryPolicy {
  readonly mode: number;
  /** The nodes asked for; this machine has node 0 only. */
  readonly nodes: number;
}

const samePolicy = (a: MemoryPolicy | null, b: MemoryPolicy | null): boolean =>
  a === b || (a !== null && b !== null && a.mode === b.mode && a.nodes === b.nodes);

// Two opens of a file give two mappings of one inode; Linux compares struct file.
const sameFile = (a: FileMapping | null, b: FileMapping | null): boolean => a === b;

/** True when stores may reach the file: what write seals and exec deny (mapping_map_writable). */
export const isSharedWritable = (vma: Vma): boolean => (vma.flags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE);
