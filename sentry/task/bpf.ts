/** Classic BPF as seccomp(2) allows it (kernel/seccomp.c seccomp_check_filter). */
import {
  ALU_OPERATIONS,
  BPF_MAXINSNS,
  ClassicBpf,
  JA,
  LD_ABS,
  LD_IMM,
  LD_LEN,
  LD_MEM,
  LDX_IMM,
  LDX_LEN,
  LDX_MEM,
  NEG,
  RET_A,
  RET_K,
  ST,
  STX,
  TAX,
  TXA,
} from "./classic-bpf.ts";

const DATA_SIZE = 64;

const PLAIN = new Set([LD_IMM, LDX_IMM, ST, STX, JA, RET_K, TAX, RET_A, LD_ABS, LD_MEM, LDX_MEM, LD_LEN, LDX_LEN, NEG, TXA]);

/** Only `nr` and `arch` are known when asking whether a call's verdict is always the same. */
const KNOWN_WORDS = 2;

export class BpfProgram extends ClassicBpf<Uint32Array> {
  /** Words of the data that may be read. */
  #readable = DATA_SIZE / 4;

  /** Parses `count` struct sock_filter; null when the program is not valid. */
  static parse(view: DataView, count: number): BpfProgram | null {
    if (count < 1 || count > BPF_MAXINSNS) return null;
    const program = new BpfProgram(view, count);
    return program.isValid ? program : null;
  }

  protected override isPlainValid(at: number): boolean {
    const k = this.k[at];
    if (!PLAIN.has(this.code[at]) || !this.isInside(at)) return false;
    return this.code[at] !== LD_ABS || (k < DATA_SIZE && k % 4 === 0);
  }

  protected override isOperation(operation: number): boolean {
    return ALU_OPERATIONS.has(operation);
  }

  protected override load(data: Uint32Array, at: number): number {
    const word = this.k[at] / 4;
    return word < this.#readable ? data[word] : -1;
  }

  protected override lengthOf(): number {
    return DATA_SIZE;
  }

  /**
   * Runs over `data` (struct seccomp_data as sixteen words): the verdict as u32. With
   * `onlyKnown`, -1 as soon as anything but nr and arch is read.
   */
  run(data: Uint32Array, onlyKnown = false): number {
    this.#readable = onlyKnown ? KNOWN_WORDS : DATA_SIZE / 4;
    return this.execute(data, -1);
  }
}
