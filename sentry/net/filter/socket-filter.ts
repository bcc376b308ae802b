/** Filters of sockets (SO_ATTACH_FILTER; net/core/filter.c): classic BPF over the packet as the socket would take it. */
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
  MOD,
  NEG,
  OPERATION_MASK,
  RET_A,
  RET_K,
  SOURCE_X,
  ST,
  STX,
  TAX,
  TXA,
} from "../../task/classic-bpf.ts";
import { ancillary, isAncillary, SKF_AD_OFF } from "./ancillary.ts";
import type { FilterPacket } from "./filter-packet.ts";

const LDH_ABS = 0x28;
const LDB_ABS = 0x30;
const LD_IND = 0x40;
const LDH_IND = 0x48;
const LDB_IND = 0x50;
const LDX_MSH = 0xb1;
const SKF_NET_OFF = -0x10_0000;
const SKF_LL_OFF = -0x20_0000;

const LOADS = new Set([LD_ABS, LDH_ABS, LDB_ABS]);
const PLAIN = new Set([LD_IMM, LDX_IMM, ST, STX, JA, RET_K, TAX, RET_A, LD_MEM, LDX_MEM, LD_LEN, LDX_LEN, NEG, TXA]);
const INDIRECT = new Set([LD_IND, LDH_IND, LDB_IND, LDX_MSH]);

const sizeOf = (code: number): number => ((code & 0x18) === 0 ? 4 : (code & 0x18) === 8 ? 2 : 1);

const memory = new Uint32Array(MEMORY_WORDS);

/** The number at `k` of the packet, big endian; -1: not all of it is there (bpf_internal_load_pointer_neg_helper). */
const load = (packet: FilterPacket, k: number, size: number): number => {
  const { bytes } = packet;
  let at = packet.dataAt + k;
  if (k < 0) {
    if (k >= SKF_NET_OFF) at = packet.networkAt + k - SKF_NET_OFF;
    else if (k >= SKF_LL_OFF && packet.linkAt >= 0) at = packet.linkAt + k - SKF_LL_OFF;
    else return -1;
  }
  if (at < 0 || at + size > bytes.length) return -1;
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + bytes[at + i];
  return value;
};

export class SocketFilter extends ClassicBpf {
  /** Parses `count` struct sock_filter; null when the program is not valid. */
  static parse(view: DataView, count: number): SocketFilter | null {
    if (count < 1 || count > BPF_MAXINSNS) return null;
    const filter = new SocketFilter(view, count);
    return filter.isValid ? filter : null;
  }

  protected override isPlainValid(at: number): boolean {
    const code = this.code[at];
    // Offsets in the range of what is not in the packet must be known ones.
    if (LOADS.has(code)) return this.k[at] < SKF_AD_OFF || isAncillary(this.k[at]);
    return INDIRECT.has(code) || (PLAIN.has(code) && this.isInside(at));
  }

  protected override isOperation(operation: number): boolean {
    return operation === MOD || ALU_OPERATIONS.has(operation);
  }

  /** How many bytes of the packet the socket takes; 0: it is dropped. */
  run(packet: FilterPacket): number {
    let a = 0;
    let x = 0;
    memory.fill(0);
    for (let at = 0; ; at++) {
      const code = this.code[at];
      const k = this.k[at];
      switch (code) {
        case LD_ABS:
        case LDH_ABS:
        case LDB_ABS:
          if (k >= SKF_AD_OFF) {
            a = ancillary(packet, k, a, x);
            break;
          }
          a = load(packet, k | 0, sizeOf(code));
          if (a < 0) return 0;
          break;
        case LD_IND:
        case LDH_IND:
        case LDB_IND:
          a = load(packet, (x + k) | 0, sizeOf(code));
          if (a < 0) return 0;
          break;
        case LDX_MSH: {
          const byte = load(packet, k | 0, 1);
          if (byte < 0) return 0;
          x = (byte & 0xf) * 4;
          break;
        }
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
          a = packet.bytes.length - packet.dataAt;
          break;
        case LDX_LEN:
          x = packet.bytes.length - packet.dataAt;
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
          else if ((operation === DIV || operation === MOD) && operand === 0) return 0;
          else a = calculate(operation, a, operand);
        }
      }
    }
  }
}
