/** Builds the address space of a loaded program for a pristine thread (load_elf_binary behind its point of no return). */

import { RLIMIT_STACK } from "../../syscall-tables/flags/process.ts";
import {
  AT_BASE,
  AT_CLKTCK,
  AT_EGID,
  AT_ENTRY,
  AT_EUID,
  AT_EXECFN,
  AT_FLAGS,
  AT_GID,
  AT_HWCAP,
  AT_HWCAP2,
  AT_MINSIGSTKSZ,
  AT_PAGESZ,
  AT_PHDR,
  AT_PHENT,
  AT_PHNUM,
  AT_PLATFORM,
  AT_RANDOM,
  AT_SECURE,
  AT_SYSINFO_EHDR,
  AT_UID,
  ELF_PHDR_SIZE,
  ET_DYN,
  PF_X,
  PT_GNU_STACK,
} from "../abi/elf.ts";
import { ENOMEM, type Errno, isErrno } from "../abi/errno.ts";
import { MAP_NORESERVE, MAP_PRIVATE, PAGE_SIZE, PROT_EXEC, PROT_READ, PROT_WRITE, pageAlign, pageStart } from "../abi/mman.ts";

import type { Kernel } from "../kernel.ts";
import { AddressSpace } from "../mm/address-space.ts";
import { hostFileOf } from "../mm/host-content.ts";
import { chooseLayout, ELF_ET_DYN_BASE, randomOffset } from "../mm/layout.ts";
import { VM_GROWSDOWN, VM_MAY_ALL, VM_STACK_AREA } from "../mm/vma.ts";
import type { GuestThread } from "../platform/platform.ts";
import { R_EFLAGS, R_RIP, R_RSP } from "../platform/registers.ts";
import type { Limits } from "../task/limits.ts";
import type { Loaded } from "./load.ts";
import { ImageMapper, type MappedImage } from "./map-image.ts";
import type { ElfFile } from "./open.ts";
import { buildStack, STACK_NAME, STACK_PLATFORM, STACK_RANDOM, type StackImage } from "./stack.ts";

const CLOCK_TICKS = 100;
/** What the kernel maps of a stack beyond its content at first (setup_arg_pages). */
const STACK_EXPANSION = 131072;
/** The heap starts within 1 GiB behind the program (arch_randomize_brk). */
const BREAK_RANDOM_BYTES = 2 ** 30;
/** Larger stack contents do not travel through the slot but as pages of a memfd. */
const MAX_COPIED_BYTES = 32 * 1024;
const EFLAGS_INITIAL = 0x202;

export interface BuildOptions {
  readonly limits: Limits;
  readonly isRandomized: boolean;
}

/** The new address space, its operations queued on `thread` and the registers set; or why it cannot be. */
export const buildAddressSpace = (kernel: Kernel, thread: GuestThread, loaded: Loaded, options: BuildOptions): AddressSpace | Errno => {
  const { limits, isRandomized } = options;
  const mm = new AddressSpace(kernel, chooseLayout(kernel, limits.get(RLIMIT_STACK).soft, isRandomized));
  const error = fill(kernel, mm, thread, loaded, options);
  if (error < 0) {
    mm.putUser();
    return error as Errno;
  }
  mm.setExeFile(loaded.program.file.take());
  return mm;
};

const fill = (kernel: Kernel, mm: AddressSpace, thread: GuestThread, loaded: Loaded, options: BuildOptions): number => {
  const { interpreter, program } = loaded;
  const mapper = new ImageMapper(mm, thread, options.limits);
  const image = mapper.mapProgram(program, interpreter !== null);
  if (isErrno(image)) return image;
  const interpreterImage = interpreter === null ? null : mapper.mapAnywhere(interpreter);
  if (interpreterImage !== null && isErrno(interpreterImage)) return interpreterImage;
  mm.codeStart = image.codeStart;
  mm.codeEnd = image.codeEnd;
  mm.dataStart = image.dataStart;
  mm.dataEnd = image.dataEnd;
  placeBreak(kernel, mm, image, program, interpreter !== null, options.isRandomized);
  const stack = prepareStack(kernel, mm, loaded, image, interpreterImage, options.isRandomized);
  const error = mapStack(mm, mapper, thread, stack, stackProt(program)) || mapper.zeroTails();
  if (error < 0) return error;
  thread.ops.identify?.(loaded.taskName, mm.argStart, mm.argEnd);
  const { regs } = thread;
  for (let index = 0; index <= R_EFLAGS; index++) regs.setHalves(index, 0, 0);
  regs.set(R_RSP, stack.pointer);
  regs.set(R_RIP, interpreterImage?.entry ?? image.entry);
  regs.set(R_EFLAGS, EFLAGS_INITIAL);
  regs.fsBase = 0;
  regs.gsBase = 0;
  // A failure now leaves a program without memory it was promised: it dies.
  thread.ops.onFailure = null;
  return 0;
};

/** The heap begins behind the program's bss, or where a program with an interpreter would be if this one lies among the mappings. */
const placeBreak = (
  kernel: Kernel,
  mm: AddressSpace,
  image: MappedImage,
  program: ElfFile,
  hasInterpreter: boolean,
  isRandomized: boolean,
): void => {
  let start = pageAlign(image.end);
  if (program.header.type === ET_DYN && !hasInterpreter && isRandomized) start = ELF_ET_DYN_BASE;
  if (isRandomized) start += randomOffset(kernel, BREAK_RANDOM_BYTES);
  mm.brkStart = start;
  mm.brk = start;
};

/** PT_GNU_STACK; x86-64 programs without one have a stack that is not executable. */
const stackProt = (program: ElfFile): number => {
  const segment = program.segments.findLast((candidate) => candidate.type === PT_GNU_STACK);
  const isExecutable = segment !== undefined && (segment.flags & PF_X) !== 0;
  return PROT_READ | PROT_WRITE | (isExecutable ? PROT_EXEC : 0);
};

const prepareStack = (
  kernel: Kernel,
  mm: AddressSpace,
  loaded: Loaded,
  image: MappedImage,
  interpreterImage: MappedImage | null,
  isRandomized: boolean,
): StackImage => {
  const { platform } = kernel;
  const { creds, isSecure } = loaded.credentials;
  const ns = creds.userNamespace;
  const random = new Uint8Array(18);
  kernel.random(random, 0, random.length);
  const auxv: [number, number][] = [
    [AT_MINSIGSTKSZ, platform.minSignalStackSize],
    [AT_HWCAP, platform.hwcap],
    [AT_PAGESZ, PAGE_SIZE],
    [AT_CLKTCK, CLOCK_TICKS],
    [AT_PHDR, image.phdrAddr],
    [AT_PHENT, ELF_PHDR_SIZE],
    [AT_PHNUM, loaded.program.header.phnum],
    [AT_BASE, interpreterImage?.bias ?? 0],
    [AT_FLAGS, 0],
    [AT_ENTRY, image.entry],
    [AT_UID, ns.showUid(creds.uid)],
    [AT_EUID, ns.showUid(creds.euid)],
    [AT_GID, ns.showGid(creds.gid)],
    [AT_EGID, ns.showGid(creds.egid)],
    [AT_SECURE, isSecure ? 1 : 0],
    [AT_RANDOM, STACK_RANDOM],
    [AT_HWCAP2, platform.hwcap2],
    [AT_EXECFN, STACK_NAME],
    [AT_PLATFORM, STACK_PLATFORM],
  ];
  if (platform.vdsoAddr !== 0) auxv.unshift([AT_SYSINFO_EHDR, platform.vdsoAddr]);
  const stack = buildStack(mm.layout.stackTop, {
    argv: loaded.argv,
    env: loaded.env,
    name: loaded.name,
    auxv,
    random: random.subarray(0, 16),
    shift: isRandomized ? ((random[16] | (random[17] << 8)) & 0x1fff) >>> 0 : 0,
  });
  mm.stackStart = stack.pointer;
  mm.auxv = stack.auxv;
  mm.argStart = stack.argStart;
  mm.argEnd = stack.argEnd;
  mm.envStart = stack.envStart;
  mm.envEnd = stack.envEnd;
  return stack;
};

const mapStack = (mm: AddressSpace, mapper: ImageMapper, thread: GuestThread, stack: StackImage, prot: number): number => {
  const { stackTop } = mm.layout;
  // A large content may need more than the limit: at least the kernel's own expansion stays below it.
  const contentStart = pageStart(stack.pointer);
  mm.map.stackFloor = contentStart - STACK_EXPANSION;
  const bottom = Math.min(mm.layout.stackBottom, mm.map.stackFloor);
  const error = mapper.mapAnonymous(bottom, stackTop, prot, VM_MAY_ALL | VM_GROWSDOWN | VM_STACK_AREA, MAP_NORESERVE);
  if (error < 0) return error;
  if (stack.bytes.length <= MAX_COPIED_BYTES) {
    return thread.memory.writeFrom(stack.pointer, stack.bytes, 0, stack.bytes.length) < stack.bytes.length ? ENOMEM : 0;
  }
  const hostFd = hostFileOf(stack.bytes, stack.pointer - contentStart);
  if (hostFd < 0) return ENOMEM;
  mm.keepHostFd(hostFd);
  thread.ops.mapFile(contentStart, stackTop - contentStart, prot, MAP_PRIVATE, hostFd, 0);
  return 0;
};
