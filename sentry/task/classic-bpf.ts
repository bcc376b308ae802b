/** Classic BPF: its instructions, what is checked of every program (net/core/filter.c bpf_check_classic), and its interpreter. */

export const BPF_MAXINSNS = 4096;
const MEMORY_WORDS = 16;

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
export const LDX_MSH = 0xb1;
export const NEG = 0x84;
export const TXA = 0x87;

const CLASS_MASK = 0x07;
const CLASS_ALU = 0x04;
const CLASS_JMP = 0x05;
/** Source operand: X instead of the constant. */
const SOURCE_X = 0x08;
const OPERATION_MASK = 0xf0;

const ADD = 0x00;
const SUB = 0x10;
const MUL = 0x20;
const DIV = 0x30;
export const MOD = 0x90;
const OR = 0x40;
const AND = 0x50;
const LSH = 0x60;
const RSH = 0x70;
const XOR = 0xa0;
const JEQ = 0x10;
const JGT = 0x20;
const JGE = 0x30;
const JSET = 0x40;

/** What seccomp(2) allows, too. */
export const ALU_OPERATIONS = new Set([ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, XOR]);
const JUMPS = new Set([JEQ, JGT, JGE, JSET]);

/** The scratch words: no program that is valid reads one before it has written it. */
const memory = new Uint32Array(MEMORY_WORDS);

/** `Data`: what a program looks at. */
export abstract class ClassicBpf<Data> {
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
  /** What the load at `at` takes from `data`, as u32; -1: the program ends. */
  protected abstract load(data: Data, at: number, a: number, x: number): number;
  /** The bytes of `data`. */
  protected abstract lengthOf(data: Data): number;

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

  /** What the program returns, as u32; `ended`: what a load that finds nothing makes of it. */
  protected execute(data: Data, ended: number): number {
    let a = 0;
    let x = 0;
    for (let at = 0; ; at++) {
      const code = this.code[at];
      const k = this.k[at];
      switch (code) {
        case RET_K:
          return k;
        case RET_A:
          return a;
        case LD_IMM:
          a = k;
          break;
        case LDX_IMM:
          x = k;
          break;
        case LD_MEM:
          a = memory[k];
          break;
        case LDX_MEM:
          x = memory[k];
          break;
        case ST:
          memory[k] = a;
          break;
        case STX:
          memory[k] = x;
          break;
        case LD_LEN:
          a = this.lengthOf(data);
          break;
        case LDX_LEN:
          x = this.lengthOf(data);
          break;
        case LDX_MSH:
          x = this.load(data, at, a, x);
          if (x < 0) return ended;
          break;
        case TAX:
          x = a;
          break;
        case TXA:
          a = x;
          break;
        case NEG:
          a = -a >>> 0;
          break;
        case JA:
          at += k;
          break;
        default: {
          const operand = (code & SOURCE_X) !== 0 ? x : k;
          const operation = code & OPERATION_MASK;
          if ((code & CLASS_MASK) === CLASS_JMP) at += compare(operation, a, operand) ? this.yes[at] : this.no[at];
          else if ((code & CLASS_MASK) !== CLASS_ALU) {
            a = this.load(data, at, a, x);
            if (a < 0) return ended;
          }
          // Division by a zero X ends the program with 0.
          else if ((operation === DIV || operation === MOD) && operand === 0) return 0;
          else a = calculate(operation, a, operand);
        }
      }
    }
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

const compare = (operation: number, a: number, operand: number): boolean => {
  if (operation === JEQ) return a === operand;
  if (operation === JGT) return a > operand;
  if (operation === JGE) return a >= operand;
  return (a & operand) !== 0;
};

const calculate = (operation: number, a: number, operand: number): number => {
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
