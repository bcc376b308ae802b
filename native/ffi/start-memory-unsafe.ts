/**
 * What only the start of Node needs and would stay resident: most pages of its executable, and the snapshot's bytes, which V8 has made its
 * heap of. They were more than half of a sandbox.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { MADV_DONTNEED } from "../../syscall-tables/flags/mm.ts";
import { hostCall3, libcFunction, viewMemory } from "./syscall-unsafe.ts";

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
/** Where V8's version stands in a snapshot (v8::internal::SnapshotImpl), behind malloc's header and a few numbers. */
const VERSION_MAX_AT = 64;
const SNAPSHOT_MIN = 1 << 20;

type Stretch = readonly [address: number, length: number];

const auxiliaryValues = (): Map<number, number> => {
  const bytes = Buffer.alloc(PAGE);
  const fd = openSync("/proc/self/auxv", "r");
  const length = readSync(fd, bytes);
  closeSync(fd);
  const values = new Map<number, number>();
  for (let at = 0; at < length; at += 16) values.set(bytes.readUInt32LE(at), Number(bytes.readBigUInt64LE(at + 8)));
  return values;
};

/** The executable's read-only segments. */
const codeOfNode = (): Stretch[] => {
  const auxiliary = auxiliaryValues();
  const count = auxiliary.get(AT_PHNUM) ?? 0;
  const at = auxiliary.get(AT_PHDR) ?? 0;
  const segments: Stretch[] = [];
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
  return segments;
};

/**
 * The snapshot's bytes: V8 would read them again for another context or a Worker, of which these processes have none. malloc has put so
 * large a block at the start of a mapping of its own; its head is left, and one that shares its mapping is not found.
 */
const bytesOfSnapshot = (maps: string): Stretch[] => {
  const found: Stretch[] = [];
  for (const [, fromHex, toHex] of maps.matchAll(/^(\w+)-(\w+) rw-p 00000000 00:00 0 *$/gm)) {
    const from = Number.parseInt(fromHex, 16);
    const length = Number.parseInt(toHex, 16) - from;
    if (length < SNAPSHOT_MIN) continue;
    const head = Buffer.from(viewMemory(from, VERSION_MAX_AT).u8);
    if (head.includes(process.versions.v8, 0, "latin1")) found.push([from + PAGE, length - PAGE]);
  }
  return found;
};

const readToEnd = (fd: number): string => {
  const bytes = Buffer.alloc(PAGE);
  let text = "";
  for (let length = readSync(fd, bytes); length > 0; length = readSync(fd, bytes)) text += bytes.toString("latin1", 0, length);
  return text;
};

/**
 * Looks for it, while /proc is there. The result gives the pages back (madvise(2), MADV_DONTNEED; malloc_trim(3)) and is called once: nobody has written
 * to those of the executable, so what is needed again comes from the page cache.
 */
export const findStartMemory = (): (() => void) => {
  const code = codeOfNode();
  const maps = openSync("/proc/self/maps", "r");
  return () => {
    for (const [start, length] of [...code, ...bytesOfSnapshot(readToEnd(maps))]) hostCall3(SYS_madvise, start, length, MADV_DONTNEED);
    closeSync(maps);
    libcFunction("int malloc_trim(size_t)")(0);
  };
};
