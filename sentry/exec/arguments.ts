/** Reading argv and envp from guest memory, with the limits of execve(2). */
import { E2BIG, EFAULT, type Errno } from "../abi/errno.ts";
import { PAGE_SIZE, pageStart } from "../abi/mman.ts";
import { USER_ADDR_LIMIT, type UserAddr, type UserMemory } from "../mm/user-memory.ts";

/** MAX_ARG_STRLEN, with the NUL. */
export const MAX_ARG_STRLEN = 32 * PAGE_SIZE;
/** ARG_MAX: what is always allowed. */
const ARG_MAX = 131072;
/** Three quarters of _STK_LIM: the most, whatever the stack limit. */
const MOST_BYTES = 6 * 1024 * 1024;

/** bprm_stack_limits(): bytes that strings and pointers may take. */
export const argumentLimit = (stackLimit: number): number => Math.max(Math.min(stackLimit / 4, MOST_BYTES), ARG_MAX);

/**
 * Guest memory through a window of a page: pointer arrays and their strings mostly lie side by side, so one read
 * serves many strings, and a page that was never touched is not asked for.
 */
class Window {
  readonly #memory: UserMemory;
  readonly #bytes = Buffer.allocUnsafeSlow(PAGE_SIZE);
  #addr: UserAddr = 0;
  #length = 0;

  constructor(memory: UserMemory) {
    this.#memory = memory;
  }

  /** The string at `addr`, E2BIG when longer than `max` bytes without its NUL, or EFAULT. */
  string(addr: UserAddr, max: number): string | Errno {
    let text = "";
    for (let at = addr; ; ) {
      const offset = this.#seek(at);
      if (offset < 0) return EFAULT;
      const nul = this.#bytes.indexOf(0, offset);
      const end = nul >= 0 && nul < this.#length ? nul : this.#length;
      text += this.#bytes.toString("latin1", offset, end);
      if (text.length > max) return E2BIG;
      if (end < this.#length) return text;
      at += end - offset;
    }
  }

  /** The 64-bit word at `addr`, or EFAULT. */
  pointer(addr: UserAddr): number {
    let offset = this.#seek(addr);
    if (offset >= 0 && this.#length - offset < 8) offset = this.#read(addr, 8);
    if (offset < 0 || this.#length - offset < 8) return EFAULT;
    return this.#bytes.readUInt32LE(offset) + this.#bytes.readUInt32LE(offset + 4) * 2 ** 32;
  }

  /** Where `addr` is in the window, or -1. */
  #seek(addr: UserAddr): number {
    if (addr >= this.#addr && addr < this.#addr + this.#length) return addr - this.#addr;
    const start = pageStart(addr);
    return this.#read(start, PAGE_SIZE) < 0 ? -1 : addr - start;
  }

  /** 0: the window begins at `addr`. */
  #read(addr: UserAddr, length: number): number {
    this.#addr = addr;
    this.#length = addr + length > USER_ADDR_LIMIT ? 0 : Math.max(0, this.#memory.readInto(addr, this.#bytes, 0, length));
    return this.#length > 0 ? 0 : -1;
  }
}

export interface Arguments {
  readonly argv: string[];
  readonly env: string[];
}

/** argv and envp (each may be NULL), as copy_strings() takes them. `nameLength` is the file name's, which counts too. */
export const readArguments = (
  memory: UserMemory,
  argvAddr: UserAddr,
  envAddr: UserAddr,
  stackLimit: number,
  nameLength: number,
): Arguments | Errno => {
  const window = new Window(memory);
  const limit = argumentLimit(stackLimit);
  const most = limit / 8;
  const argvPointers = readPointers(window, argvAddr, most);
  if (!Array.isArray(argvPointers)) return argvPointers;
  const envPointers = readPointers(window, envAddr, most);
  if (!Array.isArray(envPointers)) return envPointers;
  let left = limit - (Math.max(argvPointers.length, 1) + envPointers.length) * 8 - nameLength - 1;
  if (left <= 0) return E2BIG;
  const read = (pointers: number[]): string[] | Errno => {
    const strings: string[] = [];
    for (const pointer of pointers) {
      const string = window.string(pointer, MAX_ARG_STRLEN - 1);
      if (typeof string !== "string") return string;
      left -= string.length + 1;
      if (left < 0) return E2BIG;
      strings.push(string);
    }
    return strings;
  };
  const env = read(envPointers);
  if (!Array.isArray(env)) return env;
  const argv = read(argvPointers);
  if (!Array.isArray(argv)) return argv;
  // A program may rely on argv[0]: since Linux 5.18 an empty argv becomes one empty string.
  if (argv.length === 0) argv.push("");
  return { argv, env };
};

const readPointers = (window: Window, addr: UserAddr, most: number): number[] | Errno => {
  const pointers: number[] = [];
  if (addr === 0) return pointers;
  for (let at = addr; ; at += 8) {
    const pointer = window.pointer(at);
    if (pointer < 0) return EFAULT;
    if (pointer === 0) return pointers;
    if (pointers.length >= most) return E2BIG;
    pointers.push(pointer);
  }
};
