/**
 * A guest address space (struct mm_struct): the map of its VMAs and what is counted about
 * them. The host kernel holds the pages; this class owns the layout. Every change updates
 * the map and queues MAP_FIXED host operations on the calling thread, which run before
 * the call returns.
 */
import type { Errno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task/task.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import type { FileMapping } from "./file-mapping.ts";
import type { UserAddr } from "./user-memory.ts";
import type { Vma } from "./vma.ts";

/** What a shared futex waits on: the same object and byte offset in every address space. */
export interface FutexKey {
  readonly object: object;
  readonly offset: number;
}

export declare class AddressSpace {
  constructor(kernel: Kernel);
  readonly kernel: Kernel;

  /** For /proc/pid/{stat,cmdline,environ,auxv}, prctl(PR_SET_MM) and brk(2). */
  argStart: UserAddr;
  argEnd: UserAddr;
  envStart: UserAddr;
  envEnd: UserAddr;
  codeStart: UserAddr;
  codeEnd: UserAddr;
  dataStart: UserAddr;
  dataEnd: UserAddr;
  brkStart: UserAddr;
  brk: UserAddr;
  stackStart: UserAddr;
  auxv: Uint8Array;
  /** The program's file, held open (and denied to writers) while the address space lives. */
  exeFile: OpenFile | null;

  /** Pages mapped (VmSize), the most ever (VmPeak), and by kind (VmLck, VmData, VmStk, VmExe + VmLib). */
  totalPages: number;
  peakPages: number;
  lockedPages: number;
  dataPages: number;
  stackPages: number;
  execPages: number;

  /** Tasks that use it (CLONE_VM shares); the last `putUser` drops every mapping. */
  takeUser(): this;
  putUser(): void;
  readonly users: number;
  /** The copy for a child of fork(2), with one user. The host process is copied by the host. */
  fork(): AddressSpace;

  /** All VMAs in address order (the platform's visible ranges such as [vdso] included), for /proc/pid/maps. */
  vmas(): Iterable<Vma>;
  /** The VMA that holds `addr`, or null. */
  find(addr: UserAddr): Vma | null;
  /** The name that /proc/pid/maps shows: a path, "[heap]", "[stack]", … or "". */
  vmaName(vma: Vma): string;

  mmap(task: Task, addr: UserAddr, length: number, prot: number, flags: number, file: OpenFile | null, offset: number): number;
  munmap(task: Task, addr: UserAddr, length: number): number;
  mprotect(task: Task, addr: UserAddr, length: number, prot: number): number;
  mremap(task: Task, addr: UserAddr, oldLength: number, newLength: number, flags: number, newAddr: UserAddr): number;
  /** brk(2): the new break, or the old one when it cannot move. */
  setBreak(task: Task, addr: UserAddr): number;
  /** Maps an object that is not an open file (SysV shared memory) where the kernel likes (`addr` 0) or at `addr`. */
  mapObject(task: Task, addr: UserAddr, length: number, prot: number, flags: number, object: FileMapping): number;

  /** A fault below a growing stack: maps down to `addr` and returns true, or false when it is a real fault. */
  growStack(task: Task, addr: UserAddr): boolean;

  /** The identity of a futex word in shared memory; null when the memory is private, EFAULT when unmapped. */
  futexKey(addr: UserAddr): FutexKey | Errno | null;
}
