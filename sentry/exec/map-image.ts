/** Mapping ELF segments into a new address space (elf_map, elf_load, padzero of fs/binfmt_elf.c). */

import { ET_EXEC, PF_X, PT_LOAD, PT_PHDR } from "../abi/elf.ts";
import { EEXIST, EINVAL, ENOMEM, EPERM, type Errno, isErrno } from "../abi/errno.ts";
import { MAP_ANONYMOUS, MAP_PRIVATE, PAGE_SIZE, PROT_EXEC, PROT_READ, PROT_WRITE, pageAlign, pageStart } from "../abi/mman.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import { ELF_ET_DYN_BASE, MMAP_MIN_ADDR } from "../mm/layout.ts";
import { mayExpand } from "../mm/limits.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "../mm/user-memory.ts";
import { VM_MAY_ALL, Vma } from "../mm/vma.ts";
import type { GuestThread } from "../platform/platform.ts";
import type { Limits } from "../task/limits.ts";
import { imageAlignment, imageExtent, type Segment, segmentProt } from "./elf.ts";
import type { ElfFile } from "./open.ts";

/** Where an image lies. */
export interface MappedImage {
  /** Added to its addresses. */
  readonly bias: number;
  readonly entry: UserAddr;
  /** Of the program headers, 0 when no segment holds them. */
  readonly phdrAddr: UserAddr;
  readonly codeStart: UserAddr;
  readonly codeEnd: UserAddr;
  readonly dataStart: UserAddr;
  readonly dataEnd: UserAddr;
  /** The first address after its bss. */
  readonly end: UserAddr;
}

const zeros = new Uint8Array(PAGE_SIZE);

/** Fills an empty address space for a thread that has not run yet. */
export class ImageMapper {
  readonly #mm: AddressSpace;
  readonly #thread: GuestThread;
  readonly #limits: Limits;
  /** Ends of file pages that become bss: zeroed once all is mapped. */
  readonly #tails: { addr: UserAddr; length: number }[] = [];

  constructor(mm: AddressSpace, thread: GuestThread, limits: Limits) {
    this.#mm = mm;
    this.#thread = thread;
    this.#limits = limits;
  }

  /** Maps the program itself. One that is position independent has its place beside an interpreter, without one it goes where mappings go. */
  mapProgram(elf: ElfFile, hasInterpreter: boolean): MappedImage | Errno {
    if (elf.header.type === ET_EXEC) return this.#mapAt(elf, 0);
    if (!hasInterpreter) return this.mapAnywhere(elf);
    const { start, length } = imageExtent(elf.segments);
    if (length === 0) return EINVAL;
    const align = imageAlignment(elf.segments);
    const base = ELF_ET_DYN_BASE + this.#mm.layout.loadOffset;
    return this.#mapAt(elf, pageStart(base - (base % align) - start));
  }

  /** Maps an image below the other mappings: an interpreter, or a program without one. */
  mapAnywhere(elf: ElfFile): MappedImage | Errno {
    if (elf.header.type === ET_EXEC) return this.#mapAt(elf, 0);
    const { start, length } = imageExtent(elf.segments);
    if (length === 0 || length > USER_ADDR_LIMIT) return length === 0 ? EINVAL : ENOMEM;
    const at = this.#mm.findPlace(this.#thread, pageAlign(length), imageAlignment(elf.segments));
    return at < 0 ? (at as Errno) : this.#mapAt(elf, at - start);
  }

  #mapAt(elf: ElfFile, bias: number): MappedImage | Errno {
    let codeStart = Number.POSITIVE_INFINITY;
    let codeEnd = 0;
    let dataStart = 0;
    let dataEnd = 0;
    let end = 0;
    let phdrAddr = 0;
    let isFirst = true;
    const { phoff } = elf.header;
    for (const segment of elf.segments) {
      if (segment.type === PT_PHDR && phdrAddr === 0) phdrAddr = bias + segment.vaddr;
      if (segment.type !== PT_LOAD) continue;
      const error = this.#mapSegment(elf, segment, bias, isFirst);
      if (error < 0) return error as Errno;
      isFirst = false;
      const start = bias + segment.vaddr;
      if ((segment.flags & PF_X) !== 0) {
        codeStart = Math.min(codeStart, start);
        codeEnd = Math.max(codeEnd, start + segment.filesz);
      }
      dataStart = Math.max(dataStart, start);
      dataEnd = Math.max(dataEnd, start + segment.filesz);
      end = Math.max(end, start + segment.memsz);
      if (phdrAddr === 0 && phoff >= segment.offset && phoff < segment.offset + segment.filesz) phdrAddr = start + phoff - segment.offset;
    }
    if (isFirst) return EINVAL;
    const entry = bias + elf.header.entry;
    if (entry < 0 || entry >= USER_ADDR_LIMIT) return EINVAL;
    if (codeStart === Number.POSITIVE_INFINITY) codeStart = 0;
    return { bias, entry, phdrAddr, codeStart, codeEnd, dataStart, dataEnd, end };
  }

  #mapSegment(elf: ElfFile, segment: Segment, bias: number, isFirst: boolean): number {
    const addr = bias + segment.vaddr;
    if (segment.filesz > segment.memsz || segment.memsz > USER_ADDR_LIMIT || addr > USER_ADDR_LIMIT - segment.memsz) return EINVAL;
    const prot = segmentProt(segment);
    const inPage = addr % PAGE_SIZE;
    const start = addr - inPage;
    const fileSize = segment.filesz === 0 ? 0 : pageAlign(segment.filesz + inPage);
    // Only the first segment of a program at fixed addresses may not lie on something.
    if (isFirst && elf.header.type === ET_EXEC && !this.#mm.map.isFree(start, pageAlign(addr + segment.memsz))) return EEXIST;
    if (fileSize > 0) {
      const error = this.#mapFile(elf, start, fileSize, prot, segment.offset - inPage);
      if (error < 0) return error;
    }
    if (segment.memsz === segment.filesz) return 0;
    const fileEnd = addr + segment.filesz;
    const bssStart = segment.filesz === 0 ? start : pageAlign(fileEnd);
    if (segment.filesz > 0 && bssStart > fileEnd && (prot & PROT_WRITE) !== 0) {
      this.#tails.push({ addr: fileEnd, length: bssStart - fileEnd });
    }
    const bssEnd = pageAlign(addr + segment.memsz);
    return bssEnd > bssStart ? this.mapAnonymous(bssStart, bssEnd, PROT_READ | PROT_WRITE | (prot & PROT_EXEC), VM_MAY_ALL, 0) : 0;
  }

  #mapFile(elf: ElfFile, start: UserAddr, size: number, prot: number, offset: number): number {
    if (offset < 0 || offset % PAGE_SIZE !== 0 || offset + size > 2 ** 62) return EINVAL;
    const hostFd = elf.mapping.hostFd(false);
    if (hostFd === null || isErrno(hostFd)) return hostFd ?? EINVAL;
    const error = this.#makeRoom(start, start + size, prot);
    if (error < 0) return error;
    elf.mapping.takeMapping(false);
    this.#mm.map.insert(new Vma(start, start + size, prot, VM_MAY_ALL, offset, elf.mapping));
    this.#thread.ops.mapFile(start, size, prot, MAP_PRIVATE, hostFd, offset);
    return 0;
  }

  /** Maps [start, end) anonymously; `hostFlags` beside MAP_PRIVATE. */
  mapAnonymous(start: UserAddr, end: UserAddr, prot: number, vmFlags: number, hostFlags: number): number {
    const error = this.#makeRoom(start, end, prot);
    if (error < 0) return error;
    this.#mm.map.insert(new Vma(start, end, prot, vmFlags));
    this.#thread.ops.mapAnonymous(start, end - start, prot, MAP_PRIVATE | MAP_ANONYMOUS | hostFlags);
    return 0;
  }

  #makeRoom(start: UserAddr, end: UserAddr, prot: number): number {
    const { map } = this.#mm;
    if (start < MMAP_MIN_ADDR) return EPERM;
    if (end > USER_ADDR_LIMIT) return ENOMEM;
    const error = this.#mm.mayReplace(start, end);
    if (error < 0) return error;
    if (!mayExpand(this.#limits, this.#mm, prot, 0, (end - start) / PAGE_SIZE)) return ENOMEM;
    if (!map.isFree(start, end)) map.remove(start, end);
    return 0;
  }

  /** Queues the zeros behind the last file bytes of writable segments, after all mappings. 0, or ENOMEM for more than an answer holds. */
  zeroTails(): number {
    for (const { addr, length } of this.#tails) {
      if (this.#thread.memory.writeFrom(addr, zeros, 0, length) < length) return ENOMEM;
    }
    return 0;
  }
}
