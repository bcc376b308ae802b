/**
 * A guest address space (struct mm_struct): the map of its VMAs and what is counted about
 * them. The host kernel holds the pages; this class owns the layout. Every change updates
 * the map and queues MAP_FIXED host operations on the calling thread, which run before
 * the call returns. The operations themselves are one file per call in this folder.
 */
import { hostClose } from "../../native/ffi/syscall-unsafe.ts";
import { EFAULT, ENOMEM, EPERM, type Errno } from "../abi/errno.ts";
import { PAGE_SIZE, PROT_WRITE } from "../abi/mman.ts";
import type { Kernel } from "../kernel.ts";
import type { GuestThread } from "../platform/platform.ts";
import type { Task } from "../task/task.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { setBreak } from "./break.ts";
import type { FileMapping } from "./file-mapping.ts";
import { growStack } from "./grow-stack.ts";
import { chooseLayout, type Layout, MMAP_MIN_ADDR, STACK_GUARD_GAP, TASK_UNMAPPED_BASE, TRAMPOLINE_AREA_SIZE } from "./layout.ts";
import { mapMemory, mapObject } from "./map-memory.ts";
import { protectMemory } from "./protect-memory.ts";
import { remapMemory } from "./remap-memory.ts";
import { unmapMemory } from "./unmap-memory.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "./user-memory.ts";
import { VM_DONTCOPY, VM_LOCKED_MASK, VM_PLATFORM, VM_SECRET, Vma } from "./vma.ts";
import { VmaMap } from "./vma-map.ts";

/** What a shared futex waits on: the same object and byte offset in every address space. */
export interface FutexKey {
  readonly object: object;
  readonly offset: number;
}

/** Memory that leaves the map before its host operation has run. */
interface UnmapInFlight {
  readonly thread: GuestThread;
  readonly start: UserAddr;
  readonly end: UserAddr;
}

export class AddressSpace {
  readonly kernel: Kernel;
  readonly map = new VmaMap();
  readonly layout: Layout;

  /** Room for the platform beside the libraries, which go below it. */
  readonly trampolineArea: UserAddr;

  /** For /proc/pid/{stat,cmdline,environ,auxv} and prctl(PR_SET_MM). */
  argStart: UserAddr = 0;
  argEnd: UserAddr = 0;
  envStart: UserAddr = 0;
  envEnd: UserAddr = 0;
  codeStart: UserAddr = 0;
  codeEnd: UserAddr = 0;
  dataStart: UserAddr = 0;
  dataEnd: UserAddr = 0;
  brkStart: UserAddr = 0;
  brk: UserAddr = 0;
  stackStart: UserAddr = 0;
  auxv: Uint8Array = new Uint8Array(0);
  /** The program's file: held open, and denied to writers, while the address space lives. */
  exeFile: OpenFile | null = null;
  /** VM_LOCKED and VM_LOCKONFAULT for new areas (mlockall(MCL_FUTURE)). */
  futureLock = 0;
  /** membarrier(2) commands that were registered. */
  barriers = 0;

  /** Host fds behind memory that no file stands for (a large initial stack). */
  readonly #hostFds: number[] = [];
  #users = 1;
  #inFlight: UnmapInFlight[] = [];

  /** An empty address space with one user. `layout` is chosen at random unless it is given. */
  constructor(kernel: Kernel, layout: Layout = chooseLayout(kernel, 0, true)) {
    this.kernel = kernel;
    this.layout = layout;
    this.trampolineArea = layout.mmapBase;
    const beside = { start: layout.mmapBase, end: layout.mmapBase + TRAMPOLINE_AREA_SIZE, name: "" };
    for (const range of [...kernel.platform.reserved, beside].sort((a, b) => a.start - b.start)) {
      const prot = range.name === "[vdso]" ? 5 : range.name === "" ? 0 : 1;
      this.map.append(new Vma(range.start, range.end, prot, VM_PLATFORM, 0, null, null, range.name));
    }
  }

  get totalPages(): number {
    return this.map.totalPages;
  }
  get peakPages(): number {
    return this.map.peakPages;
  }
  get lockedPages(): number {
    return this.map.lockedPages;
  }
  get dataPages(): number {
    return this.map.dataPages;
  }
  get stackPages(): number {
    return this.map.stackPages;
  }
  get execPages(): number {
    return this.map.execPages;
  }

  get users(): number {
    return this.#users;
  }

  /** memfd_secret(2) was mapped. */
  hasSecrets = false;

  /** How many of `length` bytes from `addr` on the kernel may touch for others than the program itself (get_user_pages()). */
  openLength(addr: UserAddr, length: number): number {
    if (!this.hasSecrets) return length;
    for (const vma of this.map.list) {
      if ((vma.flags & VM_SECRET) !== 0 && vma.end > addr && vma.start < addr + length) return Math.max(0, vma.start - addr);
    }
    return length;
  }

  /** One more task uses it (CLONE_VM). */
  takeUser(): this {
    this.#users++;
    return this;
  }

  /** One task less; the last one drops every mapping. */
  putUser(): void {
    if (--this.#users > 0) return;
    this.map.clear();
    this.setExeFile(null);
    for (const hostFd of this.#hostFds) hostClose(hostFd);
  }

  /** Closes `hostFd` with the address space: its mapping is only queued yet. */
  keepHostFd(hostFd: number): void {
    this.#hostFds.push(hostFd);
  }

  /** Replaces the program's file; the reference of `file` is taken over. */
  setExeFile(file: OpenFile | null): void {
    const old = this.exeFile;
    this.exeFile = file;
    if (file !== null) file.inode.execCount++;
    if (old === null) return;
    old.inode.execCount--;
    old.put();
  }

  /**
   * The copy for a child of fork(2), with one user. The host copies the pages, and it
   * leaves out and wipes what madvise(2) told it to, so the child needs no operations.
   */
  fork(): AddressSpace {
    const child = new AddressSpace(this.kernel, this.layout);
    child.map.copyFrom(this.map, VM_DONTCOPY, VM_LOCKED_MASK);
    child.argStart = this.argStart;
    child.argEnd = this.argEnd;
    child.envStart = this.envStart;
    child.envEnd = this.envEnd;
    child.codeStart = this.codeStart;
    child.codeEnd = this.codeEnd;
    child.dataStart = this.dataStart;
    child.dataEnd = this.dataEnd;
    child.brkStart = this.brkStart;
    child.brk = this.brk;
    child.stackStart = this.stackStart;
    child.auxv = this.auxv;
    child.barriers = this.barriers;
    child.hasSecrets = this.hasSecrets;
    if (this.exeFile !== null) child.setExeFile(this.exeFile.take());
    return child;
  }

  /** The areas that /proc/pid/maps shows, in address order. */
  *vmas(): Iterable<Vma> {
    for (const vma of this.map.list) if (!vma.isPlatform || vma.name !== "") yield vma;
  }

  /** The VMA that holds `addr`, or null. */
  find(addr: UserAddr): Vma | null {
    return this.map.find(addr);
  }

  /** The last range that was found writable, while the map has lost nothing since. */
  #writableStart: UserAddr = 0;
  #writableEnd: UserAddr = 0;
  #writableLosses = -1;

  /** True when the program itself may write to all of [addr, addr + length), as far as one area tells. */
  isWritable(addr: UserAddr, length: number): boolean {
    const end = addr + length;
    if (addr >= this.#writableStart && end <= this.#writableEnd && this.map.losses === this.#writableLosses) return true;
    const vma = this.map.find(addr);
    if (vma === null || (vma.prot & PROT_WRITE) === 0 || end > vma.end) return false;
    this.#writableStart = vma.start;
    this.#writableEnd = vma.end;
    this.#writableLosses = this.map.losses;
    return true;
  }

  /** The last column of /proc/pid/maps: a path, "[heap]", "[stack]", … or "". */
  vmaName(vma: Vma): string {
    if (vma.file !== null) return vma.file.name;
    if (vma.isPlatform) return vma.name;
    if (vma.shared !== null) return vma.name === "" ? "/dev/zero (deleted)" : `[anon_shmem:${vma.name}]`;
    if (vma.start <= this.brk && vma.end >= this.brkStart && this.brk > this.brkStart) return "[heap]";
    if (vma.start <= this.stackStart && vma.end >= this.stackStart) return "[stack]";
    return vma.name === "" ? "" : `[anon:${vma.name}]`;
  }

  mmap(task: Task, addr: UserAddr, length: number, prot: number, flags: number, file: OpenFile | null, offset: number): number {
    return mapMemory(this, task, addr, length, prot, flags, file, offset);
  }
  munmap(task: Task, addr: UserAddr, length: number): number {
    return unmapMemory(this, task.thread, addr, length);
  }
  mprotect(task: Task, addr: UserAddr, length: number, prot: number): number {
    return protectMemory(this, task, addr, length, prot);
  }
  mremap(task: Task, addr: UserAddr, oldLength: number, newLength: number, flags: number, newAddr: UserAddr): number {
    return remapMemory(this, task, addr, oldLength, newLength, flags, newAddr);
  }
  /** brk(2): the new break, or the old one when it cannot move. */
  setBreak(task: Task, addr: UserAddr): number {
    return setBreak(this, task, addr);
  }
  /** Maps an object that is not an open file (SysV shared memory) where the kernel likes (`addr` 0) or at `addr` (MAP_FIXED). */
  mapObject(task: Task, addr: UserAddr, length: number, prot: number, flags: number, object: FileMapping): number {
    return mapObject(this, task, addr, length, prot, flags, object);
  }
  /** A fault below a growing area: maps down to `addr` and returns true, or false when it is a real fault. */
  growStack(task: Task, addr: UserAddr): boolean {
    return growStack(this, task, addr);
  }

  /** The identity of a futex word in shared memory; null when the memory is private, EFAULT when unmapped. */
  futexKey(addr: UserAddr): FutexKey | Errno | null {
    const vma = this.map.find(addr);
    if (vma === null) return EFAULT;
    if (!vma.isShared) return null;
    const object = vma.file?.inode ?? vma.shared;
    return object === null ? null : { object, offset: vma.offset + (addr - vma.start) };
  }

  /** Remembers that `thread` has an unmap of [start, end) queued: nobody else may be given the place before it has run. */
  noteUnmap(thread: GuestThread, start: UserAddr, end: UserAddr): void {
    if (this.#users > 1) this.#inFlight.push({ thread, start, end });
  }

  /** An unmap of somebody else's that may not have run yet and takes some of [start, end) away. */
  #clash(thread: GuestThread, start: UserAddr, end: UserAddr): UnmapInFlight | undefined {
    if (this.#inFlight.length === 0) return undefined;
    this.#inFlight = this.#inFlight.filter((unmap) => unmap.thread !== thread && isPending(unmap.thread));
    return this.#inFlight.find((unmap) => unmap.start < end && unmap.end > start);
  }

  /** True when what is free in the map is not free yet: another thread has still to unmap some of [start, end). */
  isBeingUnmapped(thread: GuestThread, start: UserAddr, end: UserAddr): boolean {
    return this.#clash(thread, start, end) !== undefined;
  }

  /** A free place of `length` bytes by the rules of arch_get_unmapped_area_topdown, or ENOMEM. */
  findPlace(thread: GuestThread, length: number, align: number): number {
    const { mmapBase } = this.layout;
    for (let ceiling = mmapBase; ; ) {
      const at = this.map.findGapBelow(length, MMAP_MIN_ADDR, ceiling, align, STACK_GUARD_GAP);
      if (at < 0) break;
      const clash = this.#clash(thread, at, at + length);
      if (clash === undefined) return at;
      ceiling = clash.start;
    }
    return this.findPlaceAbove(thread, length, TASK_UNMAPPED_BASE, USER_ADDR_LIMIT, align);
  }

  /** The lowest one between `floor` and `ceiling`, or ENOMEM. */
  findPlaceAbove(thread: GuestThread, length: number, floor: UserAddr, ceiling: UserAddr, align: number): number {
    for (let from = floor; ; ) {
      const at = this.map.findGapAbove(length, from, ceiling, align, STACK_GUARD_GAP);
      if (at < 0) return ENOMEM;
      const clash = this.#clash(thread, at, at + length);
      if (clash === undefined) return at;
      from = clash.end;
    }
  }

  /** 0, or EPERM if a part of [start, end) is sealed or the platform's. */
  mayReplace(start: UserAddr, end: UserAddr): 0 | Errno {
    const { list } = this.map;
    for (let i = this.map.indexFrom(start); i < list.length && list[i].start < end; i++) {
      if (list[i].isSealed) return EPERM;
      if (list[i].isPlatform) return ENOMEM;
    }
    return 0;
  }

  /** VmSize in bytes and so on, for /proc/pid/{status,statm}. */
  get totalBytes(): number {
    return this.map.totalPages * PAGE_SIZE;
  }
}

/** True while operations that a thread has queued may not have run yet. */
const isPending = (thread: GuestThread): boolean => !(thread.ops.isIdle ?? !thread.isRunning);
