/** Filters of sockets (SO_ATTACH_FILTER; net/core/filter.c): classic BPF over the packet as the socket would take it. */
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
  LDX_MSH,
  MOD,
  NEG,
  RET_A,
  RET_K,
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
const SKF_NET_OFF = -0x10_0000;
const SKF_LL_OFF = -0x20_0000;

const LOADS = new Set([LD_ABS, LDH_ABS, LDB_ABS]);
const PLAIN = new Set([LD_IMM, LDX_IMM, ST, STX, JA, RET_K, TAX, RET_A, LD_MEM, LDX_MEM, LD_LEN, LDX_LEN, NEG, TXA]);
const INDIRECT = new Set([LD_IND, LDH_IND, LDB_IND, LDX_MSH]);

const sizeOf = (code: number): number => ((code & 0x18) === 0 ? 4 : (code & 0x18) === 8 ? 2 : 1);

/** The number at `k` of the packet, big endian; -1: not all of it is there (bpf_internal_load_pointer_neg_helper). */
const numberAt = (packet: FilterPacket, k: number, size: number): number => {
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

export class SocketFilter extends ClassicBpf<FilterPacket> {
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

  protected override load(packet: FilterPacket, at: number, a: number, x: number): number {
    const code = this.code[at];
    const k = this.k[at];
    if (code === LDX_MSH) {
      const byte = numberAt(packet, k | 0, 1);
      return byte < 0 ? byte : (byte & 0xf) * 4;
    }
    if (!LOADS.has(code)) return numberAt(packet, (x + k) | 0, sizeOf(code));
    return k >= SKF_AD_OFF ? ancillary(packet, k, a, x) : numberAt(packet, k | 0, sizeOf(code));
  }

  protected override lengthOf(packet: FilterPacket): number {
    return packet.bytes.length - packet.dataAt;
  }

  /** How many bytes of the packet the socket takes; 0: it is dropped. */
  run(packet: FilterPacket): number {
    return this.execute(packet, 0);
  }
}
