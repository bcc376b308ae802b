/** The pages of Node's executable that only its start needs: two thirds of what a sandbox would keep resident. */

import { closeSync, openSync, readSync } from "node:fs";
import { MADV_DONTNEED } from "../../syscall-tables/flags/mm.ts";
import { hostCall3, viewMemory } from "./syscall-unsafe.ts";

const SYS_madvise = 28;
/** getauxval(3) */
const AT_PHDR = 3;
const AT_PHNUM = 5;
/** elf(5), Elf64_Phdr */
const PHDR_SIZE = 56;
const PT_LOAD = 1;
const PT_PHDR = 6;
const PF_W = 2;
const PAGE = 4096;

const auxiliaryValues = (): Map<number, number> => {
  const bytes = Buffer.alloc(PAGE);
  const fd = openSync("/proc/self/auxv", "r");
  const length = readSync(fd, bytes);
  closeSync(fd);
  const values = new Map<number, number>();
  for (let at = 0; at < length; at += 16) values.set(bytes.readUInt32LE(at), Number(bytes.readBigUInt64LE(at + 8)));
  return values;
};

/**
 * Finds the executable's read-only segments, while /proc is there. The result gives their pages back
 * (madvise(2), MADV_DONTNEED): nobody has written to them, so those that are needed again come from the page cache.
 */
export const findOwnCode = (): (() => void) => {
  const auxiliary = auxiliaryValues();
  const count = auxiliary.get(AT_PHNUM) ?? 0;
  const at = auxiliary.get(AT_PHDR) ?? 0;
  const segments: [address: number, length: number][] = [];
  const { view } = viewMemory(at, count * PHDR_SIZE);
  let base = 0;
  for (let header = 0; header < count * PHDR_SIZE; header += PHDR_SIZE) {
    const address = Number(view.getBigUint64(header + 16, true));
    const type = view.getUint32(header, true);
    if (type === PT_PHDR) base = at - address;
    if (type !== PT_LOAD || (view.getUint32(header + 4, true) & PF_W) !== 0) continue;
    const start = base + address - (address % PAGE);
    segments.push([start, base + address + Number(view.getBigUint64(header + 40, true)) - start]);
  }
  return () => {
    for (const [start, length] of segments) hostCall3(SYS_madvise, start, length, MADV_DONTNEED);
  };
};
