/** Classic BPF as seccomp(2) allows it (kernel/seccomp.c seccomp_check_filter). */
import {
  ALU_OPERATIONS,
  BPF_MAXINSNS,
  CLASS_JMP,
  CLASS_MASK,
  ClassicBpf,
  calculate,
  compare,
  DIV,
  JA,
  LD_ABS,
  LD_IMM,
  LD_LEN,
  LD_MEM,
  LDX_IMM,
  LDX_LEN,
  LDX_MEM,
  MEMORY_WORDS,
  NEG,
  OPERATION_MASK,
  RET_A,
  RET_K,
  SOURCE_X,
  ST,
  STX,
  TAX,
  TXA,
} from "./classic-bpf.ts";

const DATA_SIZE = 64;

const PLAIN = new Set([LD_IMM, LDX_IMM, ST, STX, JA, RET_K, TAX, RET_A, LD_ABS, LD_MEM, LDX_MEM, LD_LEN, LDX_LEN, NEG, TXA]);

/** Only `nr` and `arch` are known when asking whether a call's verdict is always the same. */
const KNOWN_WORDS = 2;

export class BpfProgram extends ClassicBpf {
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

  /**
   * Runs over `data` (struct seccomp_data as sixteen words): the verdict as u32. With
   * `onlyKnown`, -1 as soon as anything but nr and arch is read.
   */
  run(data: Uint32Array, onlyKnown = false): number {
    let a = 0;
    let x = 0;
    memory.fill(0);
    for (let at = 0; ; at++) {
      const code = this.code[at];
      const k = this.k[at];
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
          if ((code & CLASS_MASK) === CLASS_JMP) at += compare(operation, a, operand) ? this.yes[at] : this.no[at];
          // Division by a zero X ends the program with 0.
          else if (operation === DIV && operand === 0) return 0;
          else a = calculate(operation, a, operand);
        }
      }
    }
  }
}

const memory = new Uint32Array(MEMORY_WORDS);
