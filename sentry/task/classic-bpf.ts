/** Classic BPF: its instructions, and what is checked of every program (net/core/filter.c bpf_check_classic). */

export const BPF_MAXINSNS = 4096;
export const MEMORY_WORDS = 16;

export const LD_IMM = 0x00;
export const LDX_IMM = 0x01;
export const ST = 0x02;
export const STX = 0x03;
export const JA = 0x05;
export const RET_K = 0x06;
export const TAX = 0x07;
export const RET_A = 0x16;
export const LD_ABS = 0x20;
export const LD_MEM = 0x60;
export const LDX_MEM = 0x61;
export const LD_LEN = 0x80;
export const LDX_LEN = 0x81;
export const NEG = 0x84;
export const TXA = 0x87;

export const CLASS_MASK = 0x07;
export const CLASS_ALU = 0x04;
export const CLASS_JMP = 0x05;
/** Source operand: X instead of the constant. */
export const SOURCE_X = 0x08;
export const OPERATION_MASK = 0xf0;

export const ADD = 0x00;
export const SUB = 0x10;
export const MUL = 0x20;
export const DIV = 0x30;
export const MOD = 0x90;
export const OR = 0x40;
export const AND = 0x50;
export const LSH = 0x60;
export const RSH = 0x70;
export const XOR = 0xa0;
export const JEQ = 0x10;
export const JGT = 0x20;
export const JGE = 0x30;
export const JSET = 0x40;

/** What seccomp(2) allows, too. */
export const ALU_OPERATIONS = new Set([ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, XOR]);
export const JUMPS = new Set([JEQ, JGT, JGE, JSET]);

export abstract class ClassicBpf {
  protected readonly code: Uint16Array;
  protected readonly yes: Uint8Array;
  protected readonly no: Uint8Array;
  protected readonly k: Uint32Array;

  /** `view`: `count` struct sock_filter. */
  constructor(view: DataView, count: number) {
    this.code = new Uint16Array(count);
    this.yes = new Uint8Array(count);
    this.no = new Uint8Array(count);
    this.k = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      this.code[i] = view.getUint16(i * 8, true);
      this.yes[i] = view.getUint8(i * 8 + 2);
      this.no[i] = view.getUint8(i * 8 + 3);
      this.k[i] = view.getUint32(i * 8 + 4, true);
    }
  }

  get length(): number {
    return this.code.length;
  }

  /** The program as struct sock_filter. */
  encode(): Uint8Array {
    const view = new DataView(new ArrayBuffer(this.length * 8));
    for (let i = 0; i < this.length; i++) {
      view.setUint16(i * 8, this.code[i], true);
      view.setUint8(i * 8 + 2, this.yes[i]);
      view.setUint8(i * 8 + 3, this.no[i]);
      view.setUint32(i * 8 + 4, this.k[i], true);
    }
    return new Uint8Array(view.buffer);
  }

  /** May an instruction that neither calculates nor compares stand at `at`? */
  protected abstract isPlainValid(at: number): boolean;
  /** May programs of this kind use this operation of class ALU? */
  protected abstract isOperation(operation: number): boolean;

  get isValid(): boolean {
    const last = this.length - 1;
    for (let at = 0; at <= last; at++) if (!this.#isValidAt(at)) return false;
    return (this.code[last] === RET_K || this.code[last] === RET_A) && this.#storesBeforeLoads();
  }

  #isValidAt(at: number): boolean {
    if (this.isPlainValid(at)) return true;
    const code = this.code[at];
    const k = this.k[at];
    const operation = code & OPERATION_MASK;
    if ((code & ~(OPERATION_MASK | SOURCE_X | CLASS_MASK)) !== 0) return false;
    if ((code & CLASS_MASK) === CLASS_ALU && this.isOperation(operation)) {
      if ((code & SOURCE_X) !== 0) return true;
      if (operation === DIV || operation === MOD) return k !== 0;
      return (operation !== LSH && operation !== RSH) || k < 32;
    }
    return (code & CLASS_MASK) === CLASS_JMP && JUMPS.has(operation) && at + 1 + Math.max(this.yes[at], this.no[at]) < this.length;
  }

  /** Memory words and jumps stay inside. */
  protected isInside(at: number): boolean {
    const code = this.code[at];
    if (code === ST || code === STX || code === LD_MEM || code === LDX_MEM) return this.k[at] < MEMORY_WORDS;
    return code !== JA || this.k[at] < this.length - at - 1;
  }

  /** check_load_and_stores: no path reads a memory word that it has not written. */
  #storesBeforeLoads(): boolean {
    const masks = new Uint16Array(this.length).fill(0xffff);
    let valid = 0;
    for (let at = 0; at < this.length; at++) {
      valid &= masks[at];
      const code = this.code[at];
      const k = this.k[at];
      if (code === ST || code === STX) valid |= 1 << k;
      else if (code === LD_MEM || code === LDX_MEM) {
        if ((valid & (1 << k)) === 0) return false;
      } else if (code === JA) {
        masks[at + 1 + k] &= valid;
        valid = 0xffff;
      } else if ((code & CLASS_MASK) === CLASS_JMP) {
        masks[at + 1 + this.yes[at]] &= valid;
        masks[at + 1 + this.no[at]] &= valid;
        valid = 0xffff;
      }
    }
    return true;
  }
}

export const compare = (operation: number, a: number, operand: number): boolean => {
  if (operation === JEQ) return a === operand;
  if (operation === JGT) return a > operand;
  if (operation === JGE) return a >= operand;
  return (a & operand) !== 0;
};

export const calculate = (operation: number, a: number, operand: number): number => {
  switch (operation) {
    case ADD:
      return (a + operand) >>> 0;
    case SUB:
      return (a - operand) >>> 0;
    case MUL:
      return Math.imul(a, operand) >>> 0;
    case DIV:
      return Math.floor(a / operand);
    case MOD:
      return a % operand;
    case OR:
      return (a | operand) >>> 0;
    case AND:
      return (a & operand) >>> 0;
    case LSH:
      return (a << operand) >>> 0;
    case RSH:
      return a >>> operand;
    default:
      return (a ^ operand) >>> 0;
  }
};
