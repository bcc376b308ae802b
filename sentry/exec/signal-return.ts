/**
 * Whether a place in a mapped program or library is known to unwinders as the way back from a signal handler: its entry in the
 * file's unwinding table (.eh_frame_hdr and .eh_frame, Linux Standard Base, "Exception Frames") has the augmentation S.
 * All that is read here is the guest's and may be anything.
 */
import { ELF_HEADER_SIZE, ELF_PHDR_SIZE, PT_GNU_EH_FRAME, PT_LOAD } from "../abi/elf.ts";
import { isErrno } from "../abi/errno.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import type { UserAddr, UserMemory } from "../mm/user-memory.ts";

const PHDRS_MAX = 32;
/** Version 1; eh_frame_ptr pcrel sdata4, fde_count udata4, table datarel sdata4. */
const HEADER_FORM = 0x3b03_1b01;
const TABLE = 12;
const ENTRY_SIZE = 8;
const SEARCH_STEPS = 32;
/** FDE: length, distance of its CIE, first address, length of the code. */
const FDE_SIZE = 16;
/** CIE: length, 0, version 1, augmentation "zRS", factors and register in a byte each, and a pcrel sdata4 encoding. */
const CIE_SIZE = 18;
const AUGMENTATION = 9;
const ZRS = [0x7a, 0x52, 0x53, 0];
const ENCODING = 17;
const PCREL_SDATA4 = 0x1b;

/** Where the file that is mapped at `addr` begins in memory; 0: it does not. */
const fileStart = (mm: AddressSpace, addr: UserAddr): UserAddr => {
  const { list } = mm.map;
  let index = mm.map.indexFrom(addr);
  const file = list[index]?.file ?? null;
  if (file === null || list[index].start > addr) return 0;
  for (; index >= 0 && list[index].file?.inode === file.inode; index--) if (list[index].offset === 0) return list[index].start;
  return 0;
};

/** The address of the unwinding table's header, 0 without one. */
const tableHeader = (memory: UserMemory, start: UserAddr): UserAddr => {
  const header = memory.viewIn(start, ELF_HEADER_SIZE);
  if (isErrno(header) || header.getUint32(0, false) !== 0x7f45_4c46) return 0;
  const count = header.getUint16(56, true);
  if (count > PHDRS_MAX || header.getUint16(54, true) !== ELF_PHDR_SIZE) return 0;
  const phdrs = memory.viewIn(start + header.getUint32(32, true), count * ELF_PHDR_SIZE);
  if (isErrno(phdrs)) return 0;
  let bias = Number.NaN;
  let table = 0;
  for (let at = 0; at < count * ELF_PHDR_SIZE; at += ELF_PHDR_SIZE) {
    const type = phdrs.getUint32(at, true);
    const addr = phdrs.getUint32(at + 16, true) + phdrs.getUint32(at + 20, true) * 2 ** 32;
    if (type === PT_LOAD && phdrs.getUint32(at + 8, true) === 0) bias = start - addr;
    if (type === PT_GNU_EH_FRAME) table = addr;
  }
  return table > 0 && bias + table > 0 ? bias + table : 0;
};

/** The entry of the table that may hold `addr`: the address of its FDE, 0 without one. */
const findEntry = (memory: UserMemory, header: UserAddr, addr: UserAddr): UserAddr => {
  const form = memory.loadU32(header);
  const count = memory.loadU32(header + 8);
  if (form !== HEADER_FORM || count <= 0) return 0;
  let low = 0;
  let high = count;
  for (let step = 0; step < SEARCH_STEPS && high - low > 1; step++) {
    const middle = Math.floor((low + high) / 2);
    const first = memory.loadU32(header + TABLE + middle * ENTRY_SIZE);
    if (first < 0) return 0;
    if (header + (first | 0) <= addr) low = middle;
    else high = middle;
  }
  const entry = memory.viewIn(header + TABLE + low * ENTRY_SIZE, ENTRY_SIZE);
  return isErrno(entry) ? 0 : header + entry.getInt32(4, true);
};

/** `addr` is the first instruction of what handlers return to. Unwinders look for what lies before it, as they do for calls. */
export const isSignalReturn = (mm: AddressSpace, memory: UserMemory, addr: UserAddr): boolean => {
  const start = fileStart(mm, addr);
  const header = start === 0 ? 0 : tableHeader(memory, start);
  const fdeAddr = header === 0 ? 0 : findEntry(memory, header, addr - 1);
  if (fdeAddr === 0) return false;
  const fde = memory.viewIn(fdeAddr, FDE_SIZE);
  if (isErrno(fde)) return false;
  const cie = memory.viewIn(fdeAddr + 4 - fde.getUint32(4, true), CIE_SIZE);
  if (isErrno(cie) || cie.getUint8(ENCODING) !== PCREL_SDATA4 || !ZRS.every((byte, i) => cie.getUint8(AUGMENTATION + i) === byte))
    return false;
  const first = fdeAddr + 8 + fde.getInt32(8, true);
  return addr - 1 >= first && addr < first + fde.getUint32(12, true);
};
