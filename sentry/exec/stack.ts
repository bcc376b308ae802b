/** The initial stack: strings, auxiliary vector, environment and argument pointers (fs/binfmt_elf.c create_elf_tables). */
import { PAGE_SIZE } from "../abi/mman.ts";
import type { UserAddr } from "../mm/user-memory.ts";

export interface StackContent {
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** AT_EXECFN. */
  readonly name: string;
  /** Pairs in Linux's order. `STACK_RANDOM`, `STACK_NAME` and `STACK_PLATFORM` stand for addresses known only here. */
  readonly auxv: readonly (readonly [type: number, value: number])[];
  /** 16 bytes for AT_RANDOM. */
  readonly random: Uint8Array;
  /** Bytes, below 8192, that the stack pointer is shifted by (arch_align_stack). */
  readonly shift: number;
}

export const STACK_RANDOM = -1;
export const STACK_NAME = -2;
export const STACK_PLATFORM = -3;

export interface StackImage {
  /** The initial stack pointer; `bytes` lie from it to the stack's top. */
  readonly pointer: UserAddr;
  readonly bytes: Uint8Array;
  readonly auxv: Uint8Array;
  readonly argStart: UserAddr;
  readonly argEnd: UserAddr;
  readonly envStart: UserAddr;
  readonly envEnd: UserAddr;
}

const PLATFORM = "x86_64\0";
const RANDOM_BYTES = 16;

const lengthOf = (strings: readonly string[]): number => {
  let bytes = 0;
  for (const string of strings) bytes += string.length + 1;
  return bytes;
};

export const buildStack = (top: UserAddr, content: StackContent): StackImage => {
  const { argv, env, name, random } = content;
  // From the top down: eight zero bytes, the file name, the environment, the arguments.
  const nameAt = top - 8 - (name.length + 1);
  const envEnd = nameAt;
  const envStart = envEnd - lengthOf(env);
  const argEnd = envStart;
  const argStart = argEnd - lengthOf(argv);
  const platformAt = align16(argStart - content.shift) - PLATFORM.length;
  const randomAt = platformAt - RANDOM_BYTES;
  const words = 1 + argv.length + 1 + env.length + 1 + content.auxv.length * 2 + 2;
  const pointer = align16(align16(randomAt) - words * 8);
  const bytes = Buffer.alloc(top - pointer);
  writeStrings(bytes, argStart - pointer, argv);
  writeStrings(bytes, envStart - pointer, env);
  bytes.write(name, nameAt - pointer, "latin1");
  bytes.write(PLATFORM, platformAt - pointer, "latin1");
  bytes.set(random, randomAt - pointer);
  let at = writeWord(bytes, 0, argv.length);
  at = writePointers(bytes, at, argStart, argv);
  at = writePointers(bytes, at, envStart, env);
  const auxvAt = at;
  for (const [type, value] of content.auxv) {
    const resolved = value === STACK_RANDOM ? randomAt : value === STACK_NAME ? nameAt : value === STACK_PLATFORM ? platformAt : value;
    at = writeWord(bytes, writeWord(bytes, at, type), resolved);
  }
  // AT_NULL is zero already.
  return { pointer, bytes, auxv: Uint8Array.prototype.slice.call(bytes, auxvAt, at + 16), argStart, argEnd, envStart, envEnd };
};

const align16 = (addr: number): number => addr - (addr % 16);

const writeWord = (bytes: Buffer, at: number, value: number): number => {
  // Addresses from a hostile ELF header may leave the 64 bits at either end: they wrap.
  bytes.writeUInt32LE(value >>> 0, at);
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32) >>> 0, at + 4);
  return at + 8;
};

const writePointers = (bytes: Buffer, from: number, addr: UserAddr, strings: readonly string[]): number => {
  let at = from;
  let stringAddr = addr;
  for (const string of strings) {
    at = writeWord(bytes, at, stringAddr);
    stringAddr += string.length + 1;
  }
  return at + 8;
};

const writeStrings = (bytes: Buffer, from: number, strings: readonly string[]): void => {
  let at = from;
  for (const string of strings) {
    bytes.write(string, at, "latin1");
    at += string.length + 1;
  }
};

/** Pages that the content needs at most: what mmap and the limits must leave free. */
export const stackPages = (image: StackImage): number => Math.ceil(image.bytes.length / PAGE_SIZE) + 1;
