/** A packet as filters see it: from its link layer's header on, with the place where the socket's data begins. */
import { putAddress6, putWord } from "../inet/address.ts";
import { type Datagram, isUdpLike, UDP_HEADER } from "../inet/datagram.ts";
import { checksum } from "../inet/icmp.ts";

export interface FilterPacket {
  readonly bytes: Uint8Array;
  /** Where offset 0 lies. */
  readonly dataAt: number;
  readonly networkAt: number;
  /** -1: there is none. */
  readonly linkAt: number;
  /** Where the payload of the transport begins. */
  readonly payloadAt: number;
  /** ETH_P_*; 0 outside the internet protocols. */
  readonly protocol: number;
  /** 0: it came from no interface. */
  readonly interfaceIndex: number;
}

const ETH_HEADER = 14;
const IP_HEADER = 20;
const IP6_HEADER = 40;
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;

/** What has no headers: unix and netlink messages. */
export const plainPacket = (bytes: Uint8Array): FilterPacket => ({
  bytes,
  dataAt: 0,
  networkAt: 0,
  linkAt: -1,
  payloadAt: 0,
  protocol: 0,
  interfaceIndex: 0,
});

/** The IPv4 header of a datagram whose payload has `length` bytes. */
const putIpHeader = (packet: Uint8Array, at: number, datagram: Datagram, length: number): void => {
  packet[at] = 0x45;
  packet[at + 1] = datagram.tos;
  packet[at + 2] = (IP_HEADER + length) >>> 8;
  packet[at + 3] = IP_HEADER + length;
  packet[at + 6] = 0x40;
  packet[at + 8] = datagram.ttl;
  packet[at + 9] = datagram.protocol;
  putWord(packet, at + 12, datagram.source.v4);
  putWord(packet, at + 16, datagram.destination.v4);
  const sum = checksum(packet.subarray(at, at + IP_HEADER));
  packet[at + 10] = sum >>> 8;
  packet[at + 11] = sum;
};

const putIp6Header = (packet: Uint8Array, at: number, datagram: Datagram, length: number): void => {
  packet[at] = 0x60 | (datagram.tos >>> 4);
  packet[at + 1] = datagram.tos << 4;
  packet[at + 4] = length >>> 8;
  packet[at + 5] = length;
  packet[at + 6] = datagram.protocol;
  packet[at + 7] = datagram.ttl;
  putAddress6(packet, at + 8, datagram.source);
  putAddress6(packet, at + 24, datagram.destination);
};

/** A datagram with the headers it would have had on the wire. `start`: what offset 0 means. */
export const wirePacket = (datagram: Datagram, start: "network" | "transport" | "payload"): FilterPacket => {
  const { data, destination } = datagram;
  const { isV4 } = destination;
  const transportAt = ETH_HEADER + (isV4 ? IP_HEADER : IP6_HEADER);
  const isUdp = isUdpLike(datagram.protocol);
  const payloadAt = transportAt + (isUdp ? UDP_HEADER : 0);
  const bytes = new Uint8Array(payloadAt + data.length);
  const protocol = isV4 ? ETH_P_IP : ETH_P_IPV6;
  bytes[12] = protocol >>> 8;
  bytes[13] = protocol;
  const length = bytes.length - transportAt;
  if (isV4) putIpHeader(bytes, ETH_HEADER, datagram, length);
  else putIp6Header(bytes, ETH_HEADER, datagram, length);
  if (isUdp) {
    bytes.set([datagram.sourcePort >>> 8, datagram.sourcePort, datagram.destinationPort >>> 8, datagram.destinationPort], transportAt);
    bytes.set([length >>> 8, length], transportAt + 4);
  }
  bytes.set(data, payloadAt);
  const dataAt = start === "network" ? ETH_HEADER : start === "transport" ? transportAt : payloadAt;
  return { bytes, dataAt, networkAt: ETH_HEADER, linkAt: 0, payloadAt, protocol, interfaceIndex: datagram.interfaceIndex };
};
