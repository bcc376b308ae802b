/** What a filter asks that is not in the packet (SKF_AD_*; convert_bpf_extensions). */
import { randomBytes } from "node:crypto";
import { ARPHRD_LOOPBACK } from "../interfaces.ts";
import type { FilterPacket } from "./filter-packet.ts";

export const SKF_AD_OFF = 0xffff_f000;

const PROTOCOL = 0;
const IFINDEX = 8;
const NLATTR = 12;
const NLATTR_NEST = 16;
const HATYPE = 28;
const ALU_XOR_X = 40;
const PAY_OFFSET = 52;
const RANDOM = 56;
const VLAN_TPID = 60;

const NLA_HEADER = 4;
/** NLA_TYPE_MASK: without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const TYPE_MASK = 0x3fff;

export const isAncillary = (k: number): boolean => k >= SKF_AD_OFF && k <= SKF_AD_OFF + VLAN_TPID && k % 4 === 0;

/** nla_find(): where the attribute of `type` lies among those from `from` to `end`; 0: nowhere. */
const findAttribute = (packet: FilterPacket, from: number, end: number, type: number): number => {
  const { bytes, dataAt } = packet;
  let at = from;
  while (end - at >= NLA_HEADER) {
    const length = bytes[dataAt + at] | (bytes[dataAt + at + 1] << 8);
    if (length < NLA_HEADER || length > end - at) return 0;
    if (((bytes[dataAt + at + 2] | (bytes[dataAt + at + 3] << 8)) & TYPE_MASK) === type) return at;
    at += (length + 3) & ~3;
  }
  return 0;
};

const attribute = (packet: FilterPacket, from: number, type: number, isNested: boolean): number => {
  const length = packet.bytes.length - packet.dataAt;
  if (length < NLA_HEADER || from > length - NLA_HEADER) return 0;
  if (!isNested) return findAttribute(packet, from, length, type);
  const nested = packet.bytes[packet.dataAt + from] | (packet.bytes[packet.dataAt + from + 1] << 8);
  return nested > length - from ? 0 : findAttribute(packet, from + NLA_HEADER, from + nested, type);
};

/** The new A. What no interface of this network has (marks, queues, VLANs, hashes) is 0. */
export const ancillary = (packet: FilterPacket, k: number, a: number, x: number): number => {
  switch (k - SKF_AD_OFF) {
    case PROTOCOL:
      return packet.protocol;
    case IFINDEX:
      return packet.interfaceIndex;
    case HATYPE:
      return packet.interfaceIndex === 0 ? 0 : ARPHRD_LOOPBACK;
    case NLATTR:
      return attribute(packet, a, x, false);
    case NLATTR_NEST:
      return attribute(packet, a, x, true);
    case ALU_XOR_X:
      return (a ^ x) >>> 0;
    case PAY_OFFSET:
      return packet.payloadAt - packet.dataAt;
    case RANDOM:
      return randomBytes(4).readUInt32LE();
    default:
      return 0;
  }
};
