/** getsockopt and setsockopt of level SOL_IP (ip(7), net/ipv4/ip_sockglue.c). */

import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import { AF_INET, SOCK_RAW, SOCK_STREAM } from "../../../syscall-tables/flags/socket.ts";
import { CAP_NET_ADMIN, CAP_NET_RAW } from "../../../syscall-tables/flags/system.ts";

import { EADDRNOTAVAIL, EINVAL, ENODEV, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP, EPERM, EPROTO } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { int32At, int32Bytes } from "../control.ts";
import type { OptionValue } from "../socket.ts";
import { putWord, v4Address, v4In } from "./address.ts";
import type { InetSocket } from "./inet-socket.ts";
import { joinGroup, leaveGroup } from "./memberships.ts";
import {
  changeFilter,
  changeGroup,
  changeGroupSource,
  isSourceFilter,
  MCAST_BLOCK_SOURCE,
  MCAST_JOIN_GROUP,
  MCAST_JOIN_SOURCE_GROUP,
  MCAST_LEAVE_GROUP,
  MCAST_LEAVE_SOURCE_GROUP,
  MCAST_MSFILTER,
  MCAST_UNBLOCK_SOURCE,
} from "./multicast.ts";

const IP_PKTOPTIONS = 9;
const IP_IPSEC_POLICY = 16;
const IP_XFRM_POLICY = 17;
const IP_RECVERR_RFC4884 = 26;
const IP_PROTOCOL = 52;

/** name → [initial value, smallest, largest]: values out of the range are EINVAL. Flags have the range 0..1 and take any value. */
const ints = new Map<number, readonly [number, number, number]>([
  [IP.IP_TOS, [0, 0, 255]],
  [IP.IP_TTL, [64, 1, 255]],
  [IP.IP_MTU_DISCOVER, [1, 0, 5]],
  [IP.IP_MINTTL, [0, 0, 255]],
]);

const flags = new Map<number, number>([
  [IP.IP_RECVOPTS, 0],
  [IP.IP_RETOPTS, 0],
  [IP.IP_PKTINFO, 0],
  [IP.IP_RECVERR, 0],
  [IP.IP_RECVTTL, 0],
  [IP.IP_RECVTOS, 0],
  [IP.IP_FREEBIND, 0],
  [IP.IP_PASSSEC, 0],
  [IP.IP_TRANSPARENT, 0],
  [IP.IP_RECVORIGDSTADDR, 0],
  [IP.IP_CHECKSUM, 0],
  [IP.IP_BIND_ADDRESS_NO_PORT, 0],
  [IP.IP_RECVFRAGSIZE, 0],
  [IP_RECVERR_RFC4884, 0],
  [IP.IP_MULTICAST_LOOP, 1],
  [IP.IP_MULTICAST_ALL, 1],
]);

/** Flags that take 0 and 1 alone. */
const strictFlags: readonly number[] = [IP_RECVERR_RFC4884, IP.IP_MULTICAST_ALL];
/** Elsewhere a value of no bytes means 0. */
const needsValue: readonly number[] = [
  IP.IP_TTL,
  IP.IP_MINTTL,
  IP.IP_FREEBIND,
  IP.IP_TRANSPARENT,
  IP.IP_MULTICAST_LOOP,
  IP.IP_MULTICAST_ALL,
];
const IPOPT_END = 0;
const IPOPT_NOOP = 1;

/** ip_options_compile(), of which only padding is known: up to 40 bytes, null when something else is wanted. */
const ipOptionsIn = (value: Uint8Array): Uint8Array | null => {
  const options = new Uint8Array((value.length + 3) & ~3);
  options.set(value);
  const end = options.indexOf(IPOPT_END);
  if (end >= 0) options.fill(IPOPT_END, end);
  const isPadding = options.every((byte) => byte === IPOPT_END || byte === IPOPT_NOOP);
  return value.length <= 40 && isPadding ? options : null;
};

/** An int may be shown in a single byte (ip_sockglue.c). */
const shown = (value: number, length: number): Uint8Array =>
  length > 0 && length < 4 && value >= 0 && value <= 255 ? new Uint8Array([value]) : int32Bytes(value);

export const getIpOption = (socket: InetSocket, name: number, length: number): OptionValue => {
  const { ip } = socket;
  const range = ints.get(name);
  if (range !== undefined) return shown(ip.v4.get(name) ?? range[0], length);
  const flag = flags.get(name);
  if (flag !== undefined) return shown(ip.v4.get(name) ?? flag, length);
  switch (name) {
    case IP.IP_OPTIONS:
      return ip.options;
    case IP_PKTOPTIONS:
      return socket.type === SOCK_STREAM ? new Uint8Array(0) : ENOPROTOOPT;
    case IP_PROTOCOL:
      return shown(socket.localPort, length);
    case IP.IP_HDRINCL:
    case IP.IP_ROUTER_ALERT:
    case IP.IP_NODEFRAG:
    case IP.IP_UNICAST_IF:
    case IP.IP_LOCAL_PORT_RANGE:
      return shown(ip.v4.get(name) ?? 0, length);
    case IP.IP_MTU:
      return socket.remoteAddress === null ? ENOTCONN : shown(65536, length);
    case IP.IP_MULTICAST_TTL:
      return shown(ip.multicastTtl, length);
    case IP.IP_MULTICAST_IF: {
      const bytes = new Uint8Array(4);
      if (ip.multicastSource !== null) putWord(bytes, 0, ip.multicastSource.v4);
      return bytes;
    }
    case IP.IP_MSFILTER:
    case MCAST_MSFILTER:
      return EINVAL;
    default:
      return ENOPROTOOPT;
  }
};

/** struct ip_mreq { group, address }, ip_mreqn { group, address, ifindex }: the interface meant, or ENODEV. */
const interfaceOf = (socket: InetSocket, value: Uint8Array, at: number): number => {
  if (value.length >= at + 8) {
    const index = int32At(value, at + 4);
    if (index !== 0) return socket.net.interfaceByIndex(index) === null ? ENODEV : index;
  }
  const address = v4In(value, at);
  if (address.isAny) return ENODEV;
  const device = socket.net.interfaces.find(({ addresses }) => addresses.some((own) => own.address.equals(address)));
  return device === undefined ? ENODEV : device.index;
};

const changeMembership = (socket: InetSocket, name: number, value: Uint8Array): number => {
  if (socket.type === SOCK_STREAM) return EPROTO;
  if (value.length < 8) return EINVAL;
  const group = v4In(value, 0);
  const index = interfaceOf(socket, value, 4);
  if (name === IP.IP_ADD_MEMBERSHIP) {
    if (!group.isMulticast) return EINVAL;
    return index < 0 ? index : joinGroup(socket, group, index);
  }
  const error = leaveGroup(socket, group, Math.max(0, index));
  return error < 0 && index < 0 && !group.isMulticast ? EINVAL : error;
};

const SOURCE_NAMES: Readonly<Record<number, number>> = {
  [IP.IP_BLOCK_SOURCE]: MCAST_BLOCK_SOURCE,
  [IP.IP_UNBLOCK_SOURCE]: MCAST_UNBLOCK_SOURCE,
  [IP.IP_ADD_SOURCE_MEMBERSHIP]: MCAST_JOIN_SOURCE_GROUP,
  [IP.IP_DROP_SOURCE_MEMBERSHIP]: MCAST_LEAVE_SOURCE_GROUP,
};

/** struct ip_mreq_source { group, interface, source }. */
const changeSourceMembership = (socket: InetSocket, name: number, value: Uint8Array): number => {
  if (value.length !== 12) return EINVAL;
  const group = v4In(value, 0);
  if (!group.isMulticast) return EINVAL;
  const index = interfaceOf(socket, value.subarray(0, 8), 4);
  return index < 0 ? index : changeFilter(socket, SOURCE_NAMES[name], group, index, v4In(value, 8));
};

const setMulticastInterface = (socket: InetSocket, value: Uint8Array): number => {
  if (socket.type === SOCK_STREAM) return EINVAL;
  const { ip } = socket;
  if (value.length < 4) return EINVAL;
  const isLong = value.length >= 8;
  const index = isLong && value.length >= 12 ? int32At(value, 8) : 0;
  const address = isLong ? v4In(value, 4) : v4In(value, 0);
  if (index === 0 && address.isAny) {
    ip.multicastInterface = 0;
    ip.multicastSource = null;
    return 0;
  }
  const device =
    index !== 0
      ? socket.net.interfaceByIndex(index)
      : (socket.net.interfaces.find(({ addresses }) => addresses.some((own) => own.address.equals(address))) ?? null);
  if (device === null) return EADDRNOTAVAIL;
  ip.multicastInterface = device.index;
  ip.multicastSource = address.isAny ? v4Address(0) : address;
  return 0;
};

const mayBeTransparent = (socket: InetSocket, task: Task): boolean =>
  task.creds.hasIn(socket.net.userNamespace, CAP_NET_RAW) || task.creds.hasIn(socket.net.userNamespace, CAP_NET_ADMIN);

export const setIpOption = (socket: InetSocket, task: Task, name: number, value: Uint8Array): number => {
  const { ip } = socket;
  switch (name) {
    case IP.IP_OPTIONS: {
      const options = ipOptionsIn(value);
      if (options === null) return EINVAL;
      ip.options = options;
      return 0;
    }
    case IP.IP_ADD_MEMBERSHIP:
    case IP.IP_DROP_MEMBERSHIP:
      return changeMembership(socket, name, value);
    case IP.IP_BLOCK_SOURCE:
    case IP.IP_UNBLOCK_SOURCE:
    case IP.IP_ADD_SOURCE_MEMBERSHIP:
    case IP.IP_DROP_SOURCE_MEMBERSHIP:
      return changeSourceMembership(socket, name, value);
    case IP.IP_MULTICAST_IF:
      return setMulticastInterface(socket, value);
    case MCAST_JOIN_GROUP:
    case MCAST_LEAVE_GROUP:
      return changeGroup(socket, name, value);
    case IP_IPSEC_POLICY:
      return EOPNOTSUPP;
    default:
  }
  if (isSourceFilter(name)) return name === MCAST_MSFILTER ? EINVAL : changeGroupSource(socket, name, value);
  if (name === IP_XFRM_POLICY) return EINVAL;
  if (value.length === 0 && needsValue.includes(name)) return EINVAL;
  const int = value.length >= 4 ? int32At(value, 0) : value.length > 0 ? value[0] : 0;
  const range = ints.get(name);
  if (range !== undefined) {
    if (name === IP.IP_TTL && int === -1) ip.v4.delete(name);
    else if (name === IP.IP_TOS) ip.v4.set(name, socket.type === SOCK_STREAM ? int & 0xfc : int & 0xff);
    else if (int < range[1] || int > range[2]) return EINVAL;
    else ip.v4.set(name, int);
    return 0;
  }
  if (flags.has(name)) {
    if (strictFlags.includes(name) && int !== 0 && int !== 1) return EINVAL;
    if (name === IP.IP_TRANSPARENT && int !== 0 && !mayBeTransparent(socket, task)) return EPERM;
    if (name === IP.IP_RECVFRAGSIZE && socket.type === SOCK_STREAM) return EINVAL;
    ip.v4.set(name, int !== 0 ? 1 : 0);
    // One bit for both families.
    if (name === IP.IP_FREEBIND) ip.v6.set(IP.IPV6_FREEBIND, int !== 0 ? 1 : 0);
    if (name === IP.IP_TRANSPARENT) ip.v6.set(IP.IPV6_TRANSPARENT, int !== 0 ? 1 : 0);
    if (int !== 0) ip.wantsControl = true;
    return 0;
  }
  switch (name) {
    case IP.IP_HDRINCL:
      if (socket.type !== SOCK_RAW) return ENOPROTOOPT;
      ip.v4.set(name, int !== 0 ? 1 : 0);
      return 0;
    case IP.IP_NODEFRAG:
      if (socket.type !== SOCK_RAW || socket.family !== AF_INET) return ENOPROTOOPT;
      ip.v4.set(name, int !== 0 ? 1 : 0);
      return 0;
    case IP.IP_MULTICAST_TTL:
      if (socket.type === SOCK_STREAM || value.length < 1 || int < -1 || int > 255) return EINVAL;
      ip.v4.set(name, int === -1 ? 1 : int);
      return 0;
    case IP.IP_UNICAST_IF:
      if (value.length !== 4) return EINVAL;
      if (int !== 0) return EADDRNOTAVAIL;
      ip.v4.set(name, int);
      return 0;
    case IP.IP_LOCAL_PORT_RANGE:
      if (value.length !== 4) return EINVAL;
      ip.v4.set(name, int);
      return 0;
    case IP.IP_MTU:
      return ENOPROTOOPT;
    case IP.IP_ROUTER_ALERT:
    case IP.IP_MSFILTER:
    case IP.IP_BLOCK_SOURCE:
    case IP.IP_UNBLOCK_SOURCE:
    case IP.IP_ADD_SOURCE_MEMBERSHIP:
    case IP.IP_DROP_SOURCE_MEMBERSHIP:
      return EINVAL;
    default:
      return ENOPROTOOPT;
  }
};
