/** The registers of a stopped thread, in its slot. Writes mark them to be set when it continues. */
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import type { Registers } from "../platform.ts";
import { R_R8, R_R9, R_R10, R_RAX, R_RDI, R_RDX, R_RSI } from "../registers.ts";
import { SLOT_ARGUMENTS, SLOT_FS_BASE, SLOT_GS_BASE, SLOT_LATE_ARGUMENTS, SLOT_REGS } from "./layout.generated.ts";

const FS = (SLOT_FS_BASE - SLOT_REGS) / 8;
const GS = (SLOT_GS_BASE - SLOT_REGS) / 8;
const EARLY_ARGUMENTS = [R_RDI, R_RSI, R_RDX, R_R10];
const LATE_ARGUMENTS = [R_R8, R_R9];

export class SlotRegisters implements Registers {
  readonly #u32: Uint32Array;
  readonly #base: number;
  /** Some register was set since the trap. */
  isTouched = false;
  /** rax among them: then the call's result does not go there. */
  isRaxTouched = false;
  syscallNumber = 0;

  constructor(u32: Uint32Array, slotWord: number) {
    this.#u32 = u32;
    this.#base = slotWord + SLOT_REGS / 4;
  }

  get(index: number): number {
    const at = this.#base + index * 2;
    return this.#u32[at] + this.#u32[at + 1] * TWO_32;
  }

  getLo(index: number): number {
    return this.#u32[this.#base + index * 2];
  }

  getHi(index: number): number {
    return this.#u32[this.#base + index * 2 + 1];
  }

  set(index: number, value: number): void {
    this.setHalves(index, value, Math.floor(value / TWO_32));
  }

  setHalves(index: number, lo: number, hi: number): void {
    const at = this.#base + index * 2;
    this.#u32[at] = lo;
    this.#u32[at + 1] = hi;
    this.isTouched = true;
    if (index === R_RAX) this.isRaxTouched = true;
  }

  get fsBase(): number {
    return this.get(FS);
  }

  set fsBase(addr: number) {
    this.set(FS, addr);
  }

  get gsBase(): number {
    return this.get(GS);
  }

  set gsBase(addr: number) {
    this.set(GS, addr);
  }

  /** The call is made with what the registers hold now: somebody has looked at them, or changed them. */
  takeArguments(): void {
    const slot = this.#base - SLOT_REGS / 4;
    for (let i = 0; i < EARLY_ARGUMENTS.length; i++) this.#copy(EARLY_ARGUMENTS[i], slot + SLOT_ARGUMENTS / 4 + i * 2);
    for (let i = 0; i < LATE_ARGUMENTS.length; i++) this.#copy(LATE_ARGUMENTS[i], slot + SLOT_LATE_ARGUMENTS / 4 + i * 2);
  }

  #copy(index: number, to: number): void {
    this.#u32[to] = this.getLo(index);
    this.#u32[to + 1] = this.getHi(index);
  }

  /** All registers of another stopped thread (clone), its FS and GS among them. */
  copyFrom(other: SlotRegisters): void {
    this.#u32.set(other.#u32.subarray(other.#base, other.#base + 36 + 4), this.#base);
    this.isTouched = true;
  }
}
