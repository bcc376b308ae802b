/** Writing an ELF core file (elf(5), core(5); fs/binfmt_elf.c: elf_core_dump). */
import { PAGE_SIZE, pageAlign } from "../abi/mman.ts";
import { VM_DONTDUMP, type Vma } from "../mm/vma.ts";
import type { SignalInfo } from "../task/signal-info.ts";
import type { Task } from "../task/task.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { kernelIo } from "../vfs/user-io.ts";
import { coreNotes } from "./notes.ts";

/** /proc/PID/coredump_filter (core(5)). */
const FILTER_ANON_PRIVATE = 1 << 0;
const FILTER_ANON_SHARED = 1 << 1;
const FILTER_MAPPED_PRIVATE = 1 << 2;
const FILTER_MAPPED_SHARED = 1 << 3;
const FILTER_ELF_HEADERS = 1 << 4;

const ELF_HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const ET_CORE = 4;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_NOTE = 4;
/** More need a section header to be counted (PN_XNUM). */
const SEGMENTS_MAX = 0xfffe;

/** So much memory is looked at, while nothing else runs: reserved areas (a sanitizer's shadow) may have terabytes of untouched pages. */
const LOOKED_AT_MAX = 16 * 2 ** 30;
const CHUNK = 256 * 1024;
const chunk = Buffer.alloc(CHUNK);
const zeros = Buffer.alloc(CHUNK);
const ELF_MAGIC = 0x464c_457f;

/** vma_dump_size(): how many bytes of the area are in the file. */
const dumpSize = (task: Task, vma: Vma, filter: number): number => {
  if (vma.isPlatform) return vma.name === "[vdso]" ? vma.length : 0;
  if ((vma.flags & VM_DONTDUMP) !== 0) return 0;
  if (vma.isShared) {
    const isAnonymous = vma.file === null || vma.file.inode.nlink === 0;
    return (filter & (isAnonymous ? FILTER_ANON_SHARED : FILTER_MAPPED_SHARED)) !== 0 ? vma.length : 0;
  }
  // Memory that is only reserved was never written.
  if (vma.mayHaveOwnPages && (vma.file !== null || vma.prot !== 0) && (filter & FILTER_ANON_PRIVATE) !== 0) return vma.length;
  if (vma.file === null) return 0;
  if ((filter & FILTER_MAPPED_PRIVATE) !== 0) return vma.length;
  const mayBeHeader = (filter & FILTER_ELF_HEADERS) !== 0 && vma.offset === 0 && (vma.prot & 1) !== 0;
  return mayBeHeader && task.thread.process.memory.loadU32(vma.start) === ELF_MAGIC ? PAGE_SIZE : 0;
};

/** Where the bytes go: nothing beyond RLIMIT_CORE, and no blocks for zeros. */
class CoreWriter {
  readonly #task: Task;
  readonly #file: OpenFile;
  readonly #limit: number;

  constructor(task: Task, file: OpenFile, limit: number) {
    this.#task = task;
    this.#file = file;
    this.#limit = limit;
  }

  /** False: the file ends here. */
  put(bytes: Uint8Array, length: number, offset: number): boolean {
    if (offset + length > this.#limit) return false;
    let done = 0;
    while (done < length) {
      const n = this.#file.pwrite(kernelIo(bytes, done, length - done), offset + done, this.#task);
      if (n <= 0) return false;
      done += n;
    }
    return true;
  }

  /** What cannot be read is left out as a hole (dump_user_range). */
  putMemory(start: number, length: number, offset: number): boolean {
    const { memory } = this.#task.thread.process;
    for (let at = 0; at < length; ) {
      const wanted = Math.min(CHUNK, length - at);
      const got = Math.max(0, memory.readInto(start + at, chunk, 0, wanted));
      if (got > 0 && chunk.compare(zeros, 0, got, 0, got) !== 0 && !this.put(chunk, got, offset + at)) return false;
      at = got === wanted ? at + got : Math.floor((at + got) / PAGE_SIZE) * PAGE_SIZE + PAGE_SIZE;
    }
    return offset + length <= this.#limit;
  }
}

const putU64 = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32) >>> 0, true);
};

const elfHeader = (view: DataView, segments: number): void => {
  view.setUint32(0, ELF_MAGIC, true);
  // 64 bits, little-endian, version 1.
  view.setUint32(4, 0x0001_0102, true);
  view.setUint16(16, ET_CORE, true);
  view.setUint16(18, EM_X86_64, true);
  view.setUint32(20, 1, true);
  putU64(view, 32, ELF_HEADER_SIZE);
  view.setUint16(52, ELF_HEADER_SIZE, true);
  view.setUint16(54, PROGRAM_HEADER_SIZE, true);
  view.setUint16(56, segments, true);
};

/** The process as a core file, up to what the limit or the file system allows. */
export const writeCore = (task: Task, info: SignalInfo, fpu: Uint8Array | null, file: OpenFile, limit: number, filter: number): void => {
  const areas = [...task.mm.vmas()].filter((vma) => !vma.isPlatform || vma.name === "[vdso]");
  if (areas.length + 1 > SEGMENTS_MAX) return;
  const notes = coreNotes(task, info, fpu);
  const headers = Buffer.alloc(ELF_HEADER_SIZE + PROGRAM_HEADER_SIZE * (areas.length + 1));
  const view = new DataView(headers.buffer, headers.byteOffset, headers.length);
  elfHeader(view, areas.length + 1);
  view.setUint32(ELF_HEADER_SIZE, PT_NOTE, true);
  putU64(view, ELF_HEADER_SIZE + 8, headers.length);
  putU64(view, ELF_HEADER_SIZE + 32, notes.length);
  view.setUint32(ELF_HEADER_SIZE + 48, 4, true);
  const first = pageAlign(headers.length + notes.length);
  let left = LOOKED_AT_MAX;
  const sizes = areas.map((vma) => {
    const size = dumpSize(task, vma, filter);
    if (size > left) return 0;
    left -= size;
    return size;
  });
  let end = first;
  areas.forEach((vma, index) => {
    const at = ELF_HEADER_SIZE + PROGRAM_HEADER_SIZE * (index + 1);
    view.setUint32(at, PT_LOAD, true);
    // PF_X is 1, PF_W 2, PF_R 4.
    view.setUint32(at + 4, ((vma.prot & 1) << 2) | (vma.prot & 2) | ((vma.prot & 4) >> 2), true);
    putU64(view, at + 8, end);
    putU64(view, at + 16, vma.start);
    putU64(view, at + 32, sizes[index]);
    putU64(view, at + 40, vma.length);
    putU64(view, at + 48, PAGE_SIZE);
    end += sizes[index];
  });
  const writer = new CoreWriter(task, file, limit);
  if (!writer.put(headers, headers.length, 0) || !writer.put(notes, notes.length, headers.length)) return;
  let offset = first;
  for (const [index, vma] of areas.entries()) {
    if (!writer.putMemory(vma.start, sizes[index], offset)) return;
    offset += sizes[index];
  }
  file.truncate(end, task);
};
