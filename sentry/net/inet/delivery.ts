/** Datagrams on their way to the sockets of one host (udp_rcv, raw_local_deliver, ping_rcv). */

import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDPLITE } from "../../../syscall-tables/flags/socket.ts";
import { ECONNREFUSED } from "../../abi/errno.ts";
import { chooseReuseport } from "../filter/attach.ts";
import { wirePacket } from "../filter/filter-packet.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import { showDatagram } from "../packet/wire.ts";
import { type Datagram, isUdpLike } from "./datagram.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import { echoReply, isEchoReply } from "./icmp.ts";
import type { InetSocket } from "./inet-socket.ts";
import { spread } from "./loopback.ts";
import { wantsFrom } from "./memberships.ts";
import { type PortTable, receives } from "./port-table.ts";

/** compute_score(): how closely `socket` is meant; -1: not at all. */
const score = (socket: DatagramSocket, datagram: Datagram): number => {
  if (!receives(socket, datagram.destination)) return -1;
  if (socket.interfaceIndex !== 0 && socket.interfaceIndex !== datagram.interfaceIndex) return -1;
  let points = socket.localAddress.isV4 === datagram.destination.isV4 ? 1 : 0;
  if (!socket.localAddress.isAny) points += 4;
  if (socket.remoteAddress !== null) {
    if (socket.remotePort !== datagram.sourcePort || !socket.remoteAddress.equals(datagram.source)) return -1;
    points += 8;
  }
  if (socket.interfaceIndex !== 0) points += 4;
  return points;
};

const portsOf = (net: NetworkNamespace, datagram: Datagram): PortTable => (datagram.protocol === IPPROTO_UDPLITE ? net.udplite : net.udp);

const findReceiver = (net: NetworkNamespace, datagram: Datagram): DatagramSocket | null => {
  let best: DatagramSocket | null = null;
  let bestScore = -1;
  let group: DatagramSocket[] | null = null;
  for (const binding of portsOf(net, datagram).bound(datagram.destinationPort)) {
    if (!(binding instanceof DatagramSocket)) continue;
    const points = score(binding, datagram);
    if (points < 0 || points < bestScore) continue;
    if (points === bestScore && best !== null && best.reusePort && binding.reusePort) {
      group ??= [best];
      group.push(binding);
    } else group = null;
    best = binding;
    bestScore = points;
  }
  if (group === null) return best;
  const chosen = chooseReuseport(group, () => wirePacket(datagram, "payload"));
  return group[chosen >= 0 ? chosen : spread(datagram.sourcePort, datagram.destinationPort) % group.length];
};

/** A multicast datagram goes to every member, and to sockets that take what any member of this host gets (IP_MULTICAST_ALL). */
const deliverToMembers = (net: NetworkNamespace, datagram: Datagram): void => {
  if (!net.groups.has(datagram.destination)) return;
  const bound = portsOf(net, datagram).bound(datagram.destinationPort);
  const sockets = bound.filter((one): one is DatagramSocket => one instanceof DatagramSocket);
  for (const socket of sockets) {
    const isForSocket = socket.localAddress.equals(datagram.destination) || socket.localAddress.isAny;
    const takesAll = (datagram.destination.isV4 ? socket.ip.v4.get(IP.IP_MULTICAST_ALL) : socket.ip.v6.get(IP.IPV6_MULTICAST_ALL)) !== 0;
    if (isForSocket && receivesFamily(socket, datagram) && (wantsFrom(socket, datagram.destination, datagram.source) ?? takesAll)) {
      socket.enqueue(datagram);
    }
  }
};

const receivesFamily = (socket: InetSocket, datagram: Datagram): boolean =>
  socket.localAddress.isV4 === datagram.destination.isV4 || (!socket.localAddress.isV4 && socket.localAddress.isAny && !socket.isV6Only);

/** Raw sockets see every packet of their protocol. */
const deliverToRaw = (net: NetworkNamespace, datagram: Datagram): boolean => {
  let isTaken = false;
  for (const one of net.raw) {
    const socket = one as DatagramSocket;
    if (socket.protocol !== datagram.protocol || socket.localAddress.isV4 !== datagram.destination.isV4) continue;
    if (!socket.localAddress.isAny && !socket.localAddress.equals(datagram.destination)) continue;
    if (socket.remoteAddress !== null && !socket.remoteAddress.equals(datagram.source)) continue;
    socket.enqueue(datagram);
    isTaken = true;
  }
  return isTaken;
};

/** The ICMP of this host: echo requests are answered; answers go to the ping socket that has asked. */
const deliverIcmp = (net: NetworkNamespace, datagram: Datagram): void => {
  const reply = echoReply(datagram);
  if (reply !== null) {
    deliverDatagram(net, reply);
    return;
  }
  if (!isEchoReply(datagram)) return;
  const bound = net.ping.bound(datagram.destinationPort);
  const receiver = bound.findLast((binding) => binding instanceof DatagramSocket && receives(binding, datagram.destination));
  if (receiver instanceof DatagramSocket) receiver.enqueue(datagram);
};

/** 0, or ECONNREFUSED when the port is closed, which an ICMP message tells the sender. */
export const deliverDatagram = (net: NetworkNamespace, datagram: Datagram): number => {
  if (net.packets.size > 0) showDatagram(net, datagram);
  return receiveDatagram(net, datagram);
};

/** The same for what packet sockets have seen. */
export const receiveDatagram = (net: NetworkNamespace, datagram: Datagram): number => {
  if (net.raw.size > 0) deliverToRaw(net, datagram);
  if (isUdpLike(datagram.protocol)) {
    if (datagram.destination.isMulticast) {
      deliverToMembers(net, datagram);
      return 0;
    }
    const receiver = findReceiver(net, datagram);
    if (receiver === null) return datagram.destination.isSubnetBroadcast ? 0 : ECONNREFUSED;
    receiver.enqueue(datagram);
    return 0;
  }
  if (datagram.protocol === IPPROTO_ICMP || datagram.protocol === IPPROTO_ICMPV6) deliverIcmp(net, datagram);
  return 0;
};
