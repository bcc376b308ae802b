/** Control messages of the internet families: what a send asks for, and what a receive tells. */
import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import { AF_INET6 } from "../../../syscall-tables/flags/socket.ts";
import * as SO from "../../../syscall-tables/flags/socket-options.ts";
import { EAFNOSUPPORT, EINVAL, ENETUNREACH, EPERM } from "../../abi/errno.ts";
import type { Clock } from "../../loop/clock.ts";
import { type ControlMessage, int32At, int32Bytes } from "../control.ts";
import type { ReceiveMessage, SendMessage } from "../message.ts";
import type { SocketSettings } from "../settings.ts";
import { encodeSockaddr, type IpAddress, LOOPBACK4, putAddress6, putWord, v4In, v6In } from "./address.ts";
import type { QueuedDatagram } from "./datagram.ts";
import type { InetSocket } from "./inet-socket.ts";

/** The name of the control message that carries IPV6_RECVORIGDSTADDR. */
const IPV6_ORIGDSTADDR = 74;

/** What a send wants otherwise than the socket's options. */
export interface SendOverrides {
  ttl: number;
  tos: number;
  source: IpAddress | null;
  interfaceIndex: number;
}

const socketControl = (message: ControlMessage): number => {
  switch (message.type) {
    case SO.SO_MARK:
      return message.data.length === 4 ? EPERM : EINVAL;
    case SO.SO_TIMESTAMPING:
    case SO.SO_TIMESTAMPING_NEW:
      return message.data.length === 4 ? 0 : EINVAL;
    // SCM_RIGHTS and SCM_CREDENTIALS mean nothing here and are passed over (__sock_cmsg_send).
    case 1:
    case 2:
      return 0;
    default:
      return EINVAL;
  }
};

/** ip_cmsg_send(), ip6_datagram_send_ctl(): into `overrides`. 0 or an errno. */
const readControl = (socket: InetSocket, message: ControlMessage, overrides: SendOverrides): number => {
  const { data, level, type } = message;
  if (level === SO.SOL_SOCKET) return socketControl(message);
  if (level === SO.SOL_IP) {
    switch (type) {
      case IP.IP_PKTINFO: {
        if (data.length !== 12) return EINVAL;
        overrides.interfaceIndex = int32At(data, 0);
        const source = v4In(data, 4);
        if (!source.isAny) overrides.source = source;
        return overrides.interfaceIndex !== 0 && socket.net.interfaceByIndex(overrides.interfaceIndex) === null ? EINVAL : 0;
      }
      case IP.IP_TTL: {
        const ttl = data.length === 4 ? int32At(data, 0) : 0;
        if (ttl < 1 || ttl > 255) return EINVAL;
        overrides.ttl = ttl;
        return 0;
      }
      case IP.IP_TOS: {
        const tos = data.length === 4 ? int32At(data, 0) : data.length === 1 ? data[0] : -1;
        if (tos < 0 || tos > 255) return EINVAL;
        overrides.tos = tos;
        return 0;
      }
      case IP.IP_RETOPTS:
        return 0;
      default:
        return EINVAL;
    }
  }
  if (level === SO.SOL_IPV6 && socket.family === AF_INET6) {
    switch (type) {
      case IP.IPV6_PKTINFO: {
        if (data.length < 20) return EINVAL;
        overrides.interfaceIndex = int32At(data, 16);
        const source = v6In(data, 0);
        if (!source.isAny) overrides.source = source;
        return overrides.interfaceIndex !== 0 && socket.net.interfaceByIndex(overrides.interfaceIndex) === null ? EINVAL : 0;
      }
      case IP.IPV6_HOPLIMIT: {
        const limit = data.length === 4 ? int32At(data, 0) : -2;
        if (limit < -1 || limit > 255) return EINVAL;
        if (limit >= 0) overrides.ttl = limit;
        return 0;
      }
      case IP.IPV6_TCLASS: {
        const value = data.length === 4 ? int32At(data, 0) : -2;
        if (value < -1 || value > 255) return EINVAL;
        if (value >= 0) overrides.tos = value;
        return 0;
      }
      case IP.IPV6_DONTFRAG:
        return data.length === 4 ? 0 : EINVAL;
      default:
        return EINVAL;
    }
  }
  return 0;
};

/** May a packet for `destination` come from `source` (ip_route_output_key_hash_rcu, ip6_datagram_send_ctl)? 0 or an errno. */
export const checkSource = (socket: InetSocket, source: IpAddress, interfaceIndex: number, destination: IpAddress): number => {
  const isLocal = socket.net.transport.isLocal(source);
  const isTransparent = socket.ip.v4.get(IP.IP_TRANSPARENT) === 1;
  if (destination.isV4) {
    if (!source.isV4 || source.isMulticast || source.isBroadcast) return EINVAL;
    return isLocal || isTransparent ? 0 : ENETUNREACH;
  }
  if (source.isMulticast || (source.isLinkLocal && interfaceIndex === 0)) return EINVAL;
  const isFree = isTransparent || socket.ip.v4.get(IP.IP_FREEBIND) === 1;
  if (source.isV4) return isFree ? EAFNOSUPPORT : EINVAL;
  return isLocal || isFree ? 0 : EINVAL;
};

/** What the control messages of a send ask for, or an errno. */
export const sendOverrides = (socket: InetSocket, control: ControlMessage[] | null, ttl: number, tos: number): SendOverrides | number => {
  const overrides: SendOverrides = { ttl, tos, source: null, interfaceIndex: 0 };
  if (control === null) return overrides;
  for (const message of control) {
    const error = readControl(socket, message, overrides);
    if (error < 0) return error;
  }
  return overrides;
};

/** TCP looks at SOL_SOCKET messages alone; others may be checked when the datagram is made. */
export const checkInetControl = (_socket: InetSocket, message: SendMessage, control: ControlMessage[]): number => {
  for (const one of control) {
    if (one.level !== SO.SOL_SOCKET) continue;
    const error = socketControl(one);
    if (error < 0) return error;
  }
  message.control = control;
  return 0;
};

/** struct scm_timestamping: software, nothing, hardware. */
const SCM_TIMESTAMPING_LENGTH = 48;

const pair64 = (first: number, second: number): Uint8Array => {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, first % 2 ** 32, true);
  view.setUint32(4, Math.floor(first / 2 ** 32), true);
  view.setUint32(8, second, true);
  return bytes;
};

/** SO_TIMESTAMP, SO_TIMESTAMPNS: `option` is the one that is on. */
const putTimestamp = (message: ReceiveMessage, option: number, sec: number, nsec: number): void => {
  const isNs = option === SO.SO_TIMESTAMPNS || option === SO.SO_TIMESTAMPNS_NEW;
  message.putControl(SO.SOL_SOCKET, option, pair64(sec, isNs ? nsec : Math.floor(nsec / 1000)));
};

/** The times that the options ask for, of data that came at `stamp`; without one, of now (__sock_recv_timestamp). */
export const putStamps = (message: ReceiveMessage, settings: SocketSettings, clock: Clock, stamp: { sec: number; nsec: number }): void => {
  let { sec, nsec } = stamp;
  if (settings.timestamp !== 0) {
    if (sec === 0) {
      clock.readRealtime();
      ({ sec, nsec } = clock);
    }
    putTimestamp(message, settings.timestamp, sec, nsec);
  }
  const { stamping } = settings;
  if (sec === 0 || (stamping.flags & SO.SOF_TIMESTAMPING_SOFTWARE) === 0 || (stamping.flags & SO.SOF_TIMESTAMPING_RX_SOFTWARE) === 0)
    return;
  const bytes = new Uint8Array(SCM_TIMESTAMPING_LENGTH);
  bytes.set(pair64(sec, nsec));
  message.putControl(SO.SOL_SOCKET, stamping.option, bytes);
};

/** ip_cmsg_recv(), ip6_datagram_recv_ctl() */
export const putInetControl = (socket: InetSocket, message: ReceiveMessage, datagram: QueuedDatagram): void => {
  const { v4, v6 } = socket.ip;
  const on4 = (name: number): boolean => v4.get(name) === 1;
  const on6 = (name: number): boolean => v6.get(name) === 1;
  if (datagram.destination.isV4) {
    if (on4(IP.IP_PKTINFO)) {
      const info = new Uint8Array(12);
      info[0] = datagram.interfaceIndex;
      putWord(info, 4, datagram.destination.isMulticast ? LOOPBACK4.v4 : datagram.destination.v4);
      putWord(info, 8, datagram.destination.v4);
      message.putControl(SO.SOL_IP, IP.IP_PKTINFO, info);
    }
    if (on4(IP.IP_RECVTTL)) message.putControl(SO.SOL_IP, IP.IP_TTL, int32Bytes(datagram.ttl));
    if (on4(IP.IP_RECVTOS)) message.putControl(SO.SOL_IP, IP.IP_TOS, new Uint8Array([datagram.tos]));
    if (on4(IP.IP_RECVORIGDSTADDR)) {
      message.putControl(SO.SOL_IP, IP.IP_RECVORIGDSTADDR, encodeSockaddr(2, datagram.destination, datagram.destinationPort));
    }
    if (socket.family !== AF_INET6) return;
  }
  if (on6(IP.IPV6_RECVPKTINFO)) {
    const info = new Uint8Array(20);
    putAddress6(info, 0, datagram.destination);
    info[16] = datagram.interfaceIndex;
    message.putControl(SO.SOL_IPV6, IP.IPV6_PKTINFO, info);
  }
  if (datagram.destination.isV4) return;
  if (on6(IP.IPV6_RECVHOPLIMIT)) message.putControl(SO.SOL_IPV6, IP.IPV6_HOPLIMIT, int32Bytes(datagram.ttl));
  if (on6(IP.IPV6_RECVTCLASS)) message.putControl(SO.SOL_IPV6, IP.IPV6_TCLASS, int32Bytes(datagram.tos));
  if (on6(IPV6_ORIGDSTADDR)) {
    message.putControl(SO.SOL_IPV6, IPV6_ORIGDSTADDR, encodeSockaddr(AF_INET6, datagram.destination, datagram.destinationPort));
  }
};
