/** Echo requests and replies (icmp(7), RFC 792, RFC 4443). */
import { IPPROTO_ICMP } from "../../../syscall-tables/flags/socket.ts";
import type { IpAddress } from "./address.ts";
import type { Datagram } from "./datagram.ts";

export const ICMP_HEADER = 8;
/** Where its checksum stands. */
export const ICMP_CHECKSUM_AT = 2;
export const ICMP_ECHO = 8;
export const ICMP_ECHOREPLY = 0;
export const ICMPV6_ECHO_REQUEST = 128;
export const ICMPV6_ECHO_REPLY = 129;

/** The internet checksum over `bytes`, with a start value. */
export const checksum = (bytes: Uint8Array, start = 0): number => {
  let sum = start;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += (bytes[i] << 8) | bytes[i + 1];
  if ((bytes.length & 1) !== 0) sum += bytes[bytes.length - 1] << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
};

const pseudoSum = (address: IpAddress): number => {
  let sum = 0;
  for (const word of [address.a, address.b, address.c, address.d]) sum += (word >>> 16) + (word & 0xffff);
  return sum;
};

/** The checksum of a message of `protocol` over IPv6, stored at `offset`: it covers the addresses, too. */
export const sealOverIpv6 = (bytes: Uint8Array, offset: number, protocol: number, source: IpAddress, destination: IpAddress): void => {
  bytes.fill(0, offset, offset + 2);
  const sum = checksum(bytes, pseudoSum(source) + pseudoSum(destination) + bytes.length + protocol);
  bytes[offset] = sum >>> 8;
  bytes[offset + 1] = sum;
};

/** Stores the checksum of an ICMP message. */
export const sealIcmp = (bytes: Uint8Array, protocol: number, source: IpAddress, destination: IpAddress): void => {
  if (protocol !== IPPROTO_ICMP) {
    sealOverIpv6(bytes, ICMP_CHECKSUM_AT, protocol, source, destination);
    return;
  }
  bytes.fill(0, ICMP_CHECKSUM_AT, ICMP_CHECKSUM_AT + 2);
  const sum = checksum(bytes);
  bytes[ICMP_CHECKSUM_AT] = sum >>> 8;
  bytes[ICMP_CHECKSUM_AT + 1] = sum;
};

/** The identifier of an echo message, which serves as its port. */
export const echoIdentifier = (bytes: Uint8Array): number => (bytes[4] << 8) | bytes[5];

export const isEchoReply = (datagram: Datagram): boolean =>
  datagram.data.length >= ICMP_HEADER && datagram.data[0] === (datagram.protocol === IPPROTO_ICMP ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY);

/** The answer to an echo request; null for any other message. */
export const echoReply = (datagram: Datagram): Datagram | null => {
  const { data, protocol } = datagram;
  const request = protocol === IPPROTO_ICMP ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;
  if (data.length < ICMP_HEADER || data[0] !== request || data[1] !== 0) return null;
  const answer = data.slice();
  answer[0] = protocol === IPPROTO_ICMP ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
  sealIcmp(answer, protocol, datagram.destination, datagram.source);
  return {
    ...datagram,
    data: answer,
    source: datagram.destination,
    destination: datagram.source,
    sourcePort: 0,
    destinationPort: echoIdentifier(answer),
    ttl: 64,
  };
};
