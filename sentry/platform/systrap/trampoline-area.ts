/**
 * Areas of trampolines in guest memory: one below 64 KiB + 64 KiB, which every site reaches through
 * the table at its start and programs at low addresses by a relative jump, and one beside the
 * libraries. 64 bytes each:
 *
 *    0  mov %rsp,%gs:16; mov %gs:8,%rsp      to the stub's stack
 *   18  mov $nr,%eax, or nothing
 *   23  mov return(%rip),%r11                the address behind the call
 *   30  lea 44(%rip),%rcx or mov %r11,%rcx   where the guest goes on
 *   37  jmp *[entry]
 *   44  what stood behind the call; jmp back
 *   56  return
 */
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import {
  TRAMPOLINE_MOVED,
  TRAMPOLINE_RETURN,
  TRAMPOLINE_STRIDE,
  TRAMPOLINE_TABLE_SIZE,
  TRAMPOLINES,
  TRAMPOLINES_SIZE,
} from "./layout.generated.ts";

const REACH = 0x7fff_0000;
const JUMP_LENGTH = 5;
const SLOTS = TRAMPOLINES_SIZE / TRAMPOLINE_STRIDE;
/** Bytes that begin no instruction of 64-bit code, on any processor so far. */
const NO_OPCODES = new Set([0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xea]);

/** The stub's entry, for all trampolines. */
export const ENTRY_POINTER = TRAMPOLINES;

export class TrampolineArea {
  readonly addr: number;
  isMapped = false;
  readonly #used: Uint8Array;

  constructor(addr: number, used?: Uint8Array) {
    this.addr = addr;
    this.#used = used ?? new Uint8Array(SLOTS).fill(1, 0, addr === TRAMPOLINES ? TRAMPOLINE_TABLE_SIZE / TRAMPOLINE_STRIDE : 0);
  }

  fork(): TrampolineArea {
    const copy = new TrampolineArea(this.addr, this.#used.slice());
    copy.isMapped = this.isMapped;
    return copy;
  }

  reaches(siteAddr: number): boolean {
    return Math.abs(siteAddr - this.addr) < REACH;
  }

  /** Any free place, or -1. */
  take(): number {
    return this.#takeWhere(() => true);
  }

  /** A free place to which the jump at `siteAddr` has no opcode as its third byte, or -1. */
  takeFor(siteAddr: number): number {
    return this.#takeWhere((addr) => NO_OPCODES.has(((addr - siteAddr - JUMP_LENGTH) >> 8) & 0xff));
  }

  giveBack(trampolineAddr: number): void {
    this.#used[(trampolineAddr - this.addr) / TRAMPOLINE_STRIDE] = 0;
  }

  #takeWhere(fits: (addr: number) => boolean): number {
    for (let slot = 0; slot < SLOTS; slot++) {
      const addr = this.addr + slot * TRAMPOLINE_STRIDE;
      if (this.#used[slot] !== 0 || !fits(addr)) continue;
      this.#used[slot] = 1;
      return addr;
    }
    return -1;
  }
}

/** The table's entry for a trampoline of the low area. */
export const tableEntry = (trampolineAddr: number): number => TRAMPOLINES + ((trampolineAddr - TRAMPOLINES) / TRAMPOLINE_STRIDE) * 8;

const code = new Uint8Array(TRAMPOLINE_STRIDE);
const view = new DataView(code.buffer);

const begin = (returnAddr: number): void => {
  code.fill(0);
  code.set([0x65, 0x48, 0x89, 0x24, 0x25, 16, 0, 0, 0, 0x65, 0x48, 0x8b, 0x24, 0x25, 8, 0, 0, 0], 0);
  code.set([0x4c, 0x8b, 0x1d, TRAMPOLINE_RETURN - 30, 0, 0, 0], 23);
  code.set([0xff, 0x24, 0x25], 37);
  view.setUint32(40, ENTRY_POINTER, true);
  view.setUint32(TRAMPOLINE_RETURN, returnAddr, true);
  view.setUint32(TRAMPOLINE_RETURN + 4, Math.floor(returnAddr / TWO_32), true);
};

/** For `mov $nr,%eax; syscall`. The bytes are valid until the next call. */
export const movTrampoline = (nr: number, returnAddr: number): Uint8Array => {
  begin(returnAddr);
  code[18] = 0xb8;
  view.setUint32(19, nr, true);
  code.set([0x4c, 0x89, 0xd9, 0x0f, 0x1f, 0x40, 0x00], 30);
  return code;
};

/** For `syscall` and the instruction `moved` behind it. */
export const movingTrampoline = (addr: number, returnAddr: number, moved: Uint8Array): Uint8Array => {
  begin(returnAddr);
  code.set([0x0f, 0x1f, 0x44, 0x00, 0x00], 18);
  code.set([0x48, 0x8d, 0x0d, TRAMPOLINE_MOVED - 37, 0, 0, 0], 30);
  code.set(moved, TRAMPOLINE_MOVED);
  const jumpAt = TRAMPOLINE_MOVED + moved.length;
  code[jumpAt] = 0xe9;
  view.setInt32(jumpAt + 1, returnAddr + moved.length - (addr + jumpAt + JUMP_LENGTH), true);
  return code;
};
