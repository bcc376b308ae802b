/** Frames on `lo`: those that packet sockets send, and those that datagrams would have been. */
import { IPPROTO_UDP, IPPROTO_UDPLITE } from "../../../syscall-tables/flags/socket.ts";
import { wirePacket } from "../filter/filter-packet.ts";
import { type IpAddress, v4In, v6In } from "../inet/address.ts";
import { type Datagram, UDP_HEADER } from "../inet/datagram.ts";
import { checksum } from "../inet/icmp.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import { ETH_HEADER, type Frame, type FrameTaker, LOOPBACK_INDEX } from "./frame.ts";

const PACKET_HOST = 0;
const PACKET_MULTICAST = 2;
const PACKET_OTHERHOST = 3;
const PACKET_OUTGOING = 4;
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const IP_HEADER = 20;
const IP6_HEADER = 40;

/** eth_type_trans() of a device whose address and broadcast address are all zeros. */
const packetTypeOf = ({ bytes }: Frame): number => {
  const target = bytes.subarray(0, 6);
  if ((target[0] & 1) !== 0) return PACKET_MULTICAST;
  return target.every((byte) => byte === 0) ? PACKET_HOST : PACKET_OTHERHOST;
};

const show = (net: NetworkNamespace, frame: Frame, sender: FrameTaker | null): void => {
  const type = packetTypeOf(frame);
  for (const socket of net.packets) if (socket !== sender) socket.takeFrame(frame, PACKET_OUTGOING);
  for (const socket of net.packets) socket.takeFrame(frame, type);
};

/** What a datagram looks like on its way through `lo` (dev_queue_xmit_nit(), netif_receive_skb()). */
export const showDatagram = (net: NetworkNamespace, datagram: Datagram): void => {
  const { bytes, protocol } = wirePacket(datagram, "network");
  const { destination } = datagram;
  if (destination.isMulticast) {
    // ip_eth_mc_map(), ipv6_eth_mc_map()
    if (destination.isV4) bytes.set([1, 0, 0x5e, (destination.v4 >>> 16) & 0x7f, destination.v4 >>> 8, destination.v4]);
    else bytes.set([0x33, 0x33, destination.d >>> 24, destination.d >>> 16, destination.d >>> 8, destination.d]);
  }
  show(net, { bytes, protocol }, null);
};

const wordAt = (bytes: Uint8Array, at: number): number => (bytes[at] << 8) | bytes[at + 1];

interface IpPacket {
  readonly protocol: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly ttl: number;
  readonly tos: number;
  readonly payload: Uint8Array;
}

/** ip_rcv(): the packet, if it is one that is for this host and whole. */
const ipv4In = (packet: Uint8Array): IpPacket | null => {
  if (packet.length < IP_HEADER || packet[0] >>> 4 !== 4) return null;
  const header = (packet[0] & 0xf) * 4;
  const length = wordAt(packet, 2);
  if (header < IP_HEADER || length < header || packet.length < length || checksum(packet.subarray(0, header)) !== 0) return null;
  // A fragment: nothing here puts them together.
  if ((wordAt(packet, 6) & 0x3fff) !== 0) return null;
  return {
    protocol: packet[9],
    source: v4In(packet, 12),
    destination: v4In(packet, 16),
    ttl: packet[8],
    tos: packet[1],
    payload: packet.slice(header, length),
  };
};

const ipv6In = (packet: Uint8Array): IpPacket | null => {
  if (packet.length < IP6_HEADER || packet[0] >>> 4 !== 6) return null;
  const length = wordAt(packet, 4);
  if (packet.length < IP6_HEADER + length) return null;
  return {
    protocol: packet[6],
    source: v6In(packet, 8),
    destination: v6In(packet, 24),
    ttl: packet[7],
    tos: ((packet[0] & 0xf) << 4) | (packet[1] >>> 4),
    payload: packet.slice(IP6_HEADER, IP6_HEADER + length),
  };
};

/** A packet from a packet socket as the datagram that it holds; null: nobody here understands it. */
const datagramIn = ({ bytes, protocol }: Frame): Datagram | null => {
  const packet = bytes.subarray(ETH_HEADER);
  const ip = protocol === ETH_P_IP ? ipv4In(packet) : protocol === ETH_P_IPV6 ? ipv6In(packet) : null;
  if (ip === null) return null;
  const plain = { ...ip, data: ip.payload, sourcePort: 0, destinationPort: 0, interfaceIndex: LOOPBACK_INDEX, coverage: 0 };
  if (ip.protocol !== IPPROTO_UDP && ip.protocol !== IPPROTO_UDPLITE) return plain;
  const { payload } = ip;
  const length = payload.length < UDP_HEADER ? 0 : wordAt(payload, 4);
  if (length < UDP_HEADER || length > payload.length) return null;
  return { ...plain, data: payload.slice(UDP_HEADER, length), sourcePort: wordAt(payload, 0), destinationPort: wordAt(payload, 2) };
};

/** Is a switch of net/ipv4/conf on for `lo` (IN_DEV_ORCONF)? */
const isOn = (net: NetworkNamespace, name: string): boolean =>
  ["all", "lo"].some((device) => Number(net.keptSysctls.get(`net/ipv4/conf/${device}/${name}`) ?? "0") !== 0);

/** ip_route_input_slow(), fib_validate_source(): addresses of this host and of 127.0.0.0/8 do not come from outside. */
const isMartian = (net: NetworkNamespace, { source, destination }: Datagram): boolean => {
  if (!destination.isV4) return false;
  if ((source.isLoopback || destination.isLoopback) && !isOn(net, "route_localnet")) return true;
  return net.loopback.isLocal(source) && !isOn(net, "accept_local");
};

/** dev_queue_xmit() on `lo`: others see it go out, all see it come in, and the stack takes what it understands. */
export const transmitFrame = (net: NetworkNamespace, frame: Frame, sender: FrameTaker): void => {
  show(net, frame, sender);
  const type = packetTypeOf(frame);
  if (type === PACKET_OTHERHOST) return;
  const datagram = datagramIn(frame);
  if (datagram === null || !net.loopback.isLocal(datagram.destination) || isMartian(net, datagram)) return;
  net.transport.inject(datagram);
};
