/** Reading ELF headers from files that nobody vouches for. 64-bit fields become doubles: exact where they can be valid. */

import {
  ELF_HEADER_SIZE,
  ELF_PHDR_SIZE,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_X86_64,
  ET_DYN,
  ET_EXEC,
  PF_R,
  PF_W,
  PF_X,
  PT_LOAD,
} from "../abi/elf.ts";
import { ENOEXEC, type Errno } from "../abi/errno.ts";
import { PAGE_SIZE, PROT_EXEC, PROT_READ, PROT_WRITE } from "../abi/mman.ts";

export interface ElfHeader {
  /** ET_EXEC or ET_DYN. */
  readonly type: number;
  readonly entry: number;
  readonly phoff: number;
  readonly phnum: number;
}

export interface Segment {
  readonly type: number;
  /** PF_*. */
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: number;
}

/** ELF_MIN_ALIGN bounds the table: 64 KiB at most. */
const MAX_TABLE_BYTES = 65536;

export const isElf = (bytes: Uint8Array): boolean => bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/** The header of a program that this machine can run, or ENOEXEC. */
export const parseElfHeader = (bytes: Uint8Array): ElfHeader | Errno => {
  if (bytes.length < ELF_HEADER_SIZE || !isElf(bytes)) return ENOEXEC;
  if (bytes[4] !== ELFCLASS64 || bytes[5] !== ELFDATA2LSB) return ENOEXEC;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint16(16, true);
  if ((type !== ET_EXEC && type !== ET_DYN) || view.getUint16(18, true) !== EM_X86_64) return ENOEXEC;
  const phnum = view.getUint16(56, true);
  if (view.getUint16(54, true) !== ELF_PHDR_SIZE || phnum === 0 || phnum * ELF_PHDR_SIZE > MAX_TABLE_BYTES) return ENOEXEC;
  return { type, entry: u64(view, 24), phoff: u64(view, 32), phnum };
};

export const parseSegments = (bytes: Uint8Array, count: number): Segment[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const at = i * ELF_PHDR_SIZE;
    segments.push({
      type: view.getUint32(at, true),
      flags: view.getUint32(at + 4, true),
      offset: u64(view, at + 8),
      vaddr: u64(view, at + 16),
      filesz: u64(view, at + 32),
      memsz: u64(view, at + 40),
      align: u64(view, at + 48),
    });
  }
  return segments;
};

const u64 = (view: DataView, at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;

export const segmentProt = (segment: Segment): number =>
  (segment.flags & PF_R ? PROT_READ : 0) | (segment.flags & PF_W ? PROT_WRITE : 0) | (segment.flags & PF_X ? PROT_EXEC : 0);

/** total_mapping_size(): from the first page to the last byte of all PT_LOAD, and where it starts; length 0 if there are none. */
export const imageExtent = (segments: readonly Segment[]): { start: number; length: number } => {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const segment of segments) {
    if (segment.type !== PT_LOAD) continue;
    low = Math.min(low, segment.vaddr - (segment.vaddr % PAGE_SIZE));
    high = Math.max(high, segment.vaddr + segment.memsz);
  }
  return high === 0 ? { start: 0, length: 0 } : { start: low, length: high - low };
};

/** maximum_alignment(): the largest sensible p_align, at least a page. */
export const imageAlignment = (segments: readonly Segment[]): number => {
  let align = PAGE_SIZE;
  for (const segment of segments) {
    // Only powers of two count; 2^40 and more could never be met.
    if (segment.type === PT_LOAD && segment.align > align && segment.align < 2 ** 40 && Number.isInteger(Math.log2(segment.align)))
      align = segment.align;
  }
  return align;
};
