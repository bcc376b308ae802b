/** A packet of UDP, ICMP or a raw protocol between two sockets. */
import { IPPROTO_UDP, IPPROTO_UDPLITE } from "../../../syscall-tables/flags/socket.ts";
import type { IpAddress } from "./address.ts";

export const UDP_HEADER = 8;

/** UDP and UDP-Lite: a header with two ports comes first. */
export const isUdpLike = (protocol: number): boolean => protocol === IPPROTO_UDP || protocol === IPPROTO_UDPLITE;

export interface Datagram {
  readonly data: Uint8Array;
  /** IPPROTO_* */
  readonly protocol: number;
  readonly source: IpAddress;
  readonly sourcePort: number;
  readonly destination: IpAddress;
  readonly destinationPort: number;
  /** TTL or hop limit. */
  readonly ttl: number;
  /** TOS or traffic class. */
  readonly tos: number;
  readonly interfaceIndex: number;
  /** UDP-Lite: how many bytes the checksum covers, the header's among them; 0: all. */
  readonly coverage: number;
}

/** A datagram in a receive queue. */
export interface QueuedDatagram extends Datagram {
  /** What it counts against SO_RCVBUF. */
  readonly truesize: number;
  /** SO_TIMESTAMP: CLOCK_REALTIME at arrival. */
  readonly sec: number;
  readonly nsec: number;
  /** How many bytes of it the socket's filter has left. */
  readonly kept: number;
}

/** sizeof(struct sk_buff) and struct skb_shared_info, as allocated. */
const SKB_OVERHEAD = 256;
const SHARED_INFO = 320;
const PAGE = 4096;

/** skb->truesize: what a message of `length` bytes costs its buffer. */
export const truesize = (length: number): number => {
  const wanted = length + SHARED_INFO;
  if (wanted > PAGE * 2) return SKB_OVERHEAD + 512 + Math.ceil(length / PAGE) * PAGE;
  let size = 512;
  while (size < wanted) size *= 2;
  return SKB_OVERHEAD + size;
};

/** A packet whose data begins with its transport's header; that of UDP becomes the ports. */
export const withPorts = (packet: Datagram): Datagram => {
  const { data } = packet;
  if (!isUdpLike(packet.protocol) || data.length < UDP_HEADER) return packet;
  const length = (data[4] << 8) | data[5];
  if (length < UDP_HEADER || length > data.length) return packet;
  return {
    ...packet,
    data: data.slice(UDP_HEADER, length),
    sourcePort: (data[0] << 8) | data[1],
    destinationPort: (data[2] << 8) | data[3],
  };
};
