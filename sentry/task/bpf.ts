/** Classic BPF as seccomp(2) allows it (net/core/filter.c bpf_check_classic, kernel/seccomp.c seccomp_check_filter). */

const BPF_MAXINSNS = 4096;
const MEMORY_WORDS = 16;
const DATA_SIZE = 64;

const LD_IMM = 0x00;
const LDX_IMM = 0x01;
const ST = 0x02;
const STX = 0x03;
const JA = 0x05;
const RET_K = 0x06;
const TAX = 0x07;
const RET_A = 0x16;
const LD_ABS = 0x20;
const LD_MEM = 0x60;
const LDX_MEM = 0x61;
const LD_LEN = 0x80;
const LDX_LEN = 0x81;
const NEG = 0x84;
const TXA = 0x87;

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
const OR = 0x40;
const AND = 0x50;
const LSH = 0x60;
const RSH = 0x70;
const XOR = 0xa0;
const JEQ = 0x10;
const JGT = 0x20;
const JGE = 0x30;
const JSET = 0x40;

const ALU_OPERATIONS = new Set([ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, XOR]);
const JUMPS = new Set([JEQ, JGT, JGE, JSET]);
const PLAIN = new Set([LD_IMM, LDX_IMM, ST, STX, JA, RET_K, TAX, RET_A, LD_ABS, LD_MEM, LDX_MEM, LD_LEN, LDX_LEN, NEG, TXA]);

/** Only `nr` and `arch` are known when asking whether a call's verdict is always the same. */
const KNOWN_WORDS = 2;

export class BpfProgram {
  readonly #code: Uint16Array;
  readonly #yes: Uint8Array;
  readonly #no: Uint8Array;
  readonly #k: Uint32Array;

  private constructor(code: Uint16Array, yes: Uint8Array, no: Uint8Array, k: Uint32Array) {
    this.#code = code;
    this.#yes = yes;
    this.#no = no;
    this.#k = k;
  }

  get length(): number {
    return this.#code.length;
  }

  /** Parses `count` struct sock_filter; null when the program is not valid. */
  static parse(view: DataView, count: number): BpfProgram | null {
    if (count < 1 || count > BPF_MAXINSNS) return null;
    const code = new Uint16Array(count);
    const yes = new Uint8Array(count);
    const no = new Uint8Array(count);
    const k = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      code[i] = view.getUint16(i * 8, true);
      yes[i] = view.getUint8(i * 8 + 2);
      no[i] = view.getUint8(i * 8 + 3);
      k[i] = view.getUint32(i * 8 + 4, true);
    }
    const program = new BpfProgram(code, yes, no, k);
    return program.#isValid() ? program : null;
  }

  #isValid(): boolean {
    const last = this.length - 1;
    for (let at = 0; at <= last; at++) if (!this.#isValidAt(at)) return false;
    return (this.#code[last] === RET_K || this.#code[last] === RET_A) && this.#storesBeforeLoads();
  }

  #isValidAt(at: number): boolean {
    const code = this.#code[at];
    const k = this.#k[at];
    const last = this.length - 1;
    if (PLAIN.has(code)) {
      if (code === LD_ABS) return k < DATA_SIZE && k % 4 === 0;
      if (code === ST || code === STX || code === LD_MEM || code === LDX_MEM) return k < MEMORY_WORDS;
      return code !== JA || k <= last - at - 1;
    }
    const operation = code & OPERATION_MASK;
    if ((code & ~(OPERATION_MASK | SOURCE_X | CLASS_MASK)) !== 0) return false;
    if ((code & CLASS_MASK) === CLASS_ALU && ALU_OPERATIONS.has(operation)) {
      if ((code & SOURCE_X) !== 0) return true;
      if (operation === DIV) return k !== 0;
      return (operation !== LSH && operation !== RSH) || k < 32;
    }
    return (code & CLASS_MASK) === CLASS_JMP && JUMPS.has(operation) && at + 1 + Math.max(this.#yes[at], this.#no[at]) <= last;
  }

  /** check_load_and_stores: no path reads a memory word that it has not written. */
  #storesBeforeLoads(): boolean {
    const masks = new Uint16Array(this.length).fill(0xffff);
    let valid = 0;
    for (let at = 0; at < this.length; at++) {
      valid &= masks[at];
      const code = this.#code[at];
      const k = this.#k[at];
      if (code === ST || code === STX) valid |= 1 << k;
      else if (code === LD_MEM || code === LDX_MEM) {
        if ((valid & (1 << k)) === 0) return false;
      } else if (code === JA) {
        masks[at + 1 + k] &= valid;
        valid = 0xffff;
      } else if ((code & CLASS_MASK) === CLASS_JMP) {
        masks[at + 1 + this.#yes[at]] &= valid;
        masks[at + 1 + this.#no[at]] &= valid;
        valid = 0xffff;
      }
    }
    return true;
  }

  /**
   * Runs over `data` (struct seccomp_data as sixteen words): the verdict as u32. With
   * `onlyKnown`, -1 as soon as anything but nr and arch is read.
   */
  run(data: Uint32Array, onlyKnown = false): number {
    let a = 0;
    let x = 0;
    memory.fill(0);
    for (let at = 0; ; at++) {
      const code = this.#code[at];
      const k = this.#k[at];
      switch (code) {
        case LD_ABS:
          if (onlyKnown && k / 4 >= KNOWN_WORDS) return -1;
          a = data[k / 4];
          break;
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
          a = DATA_SIZE;
          break;
        case LDX_LEN:
          x = DATA_SIZE;
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
          if ((code & CLASS_MASK) === CLASS_JMP) at += compare(operation, a, operand) ? this.#yes[at] : this.#no[at];
          // Division by a zero X ends the program with 0.
          else if (operation === DIV && operand === 0) return 0;
          else a = calculate(operation, a, operand);
        }
      }
    }
  }
}

const memory = new Uint32Array(MEMORY_WORDS);

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
