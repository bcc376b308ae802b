/** getsockopt and setsockopt of level SOL_IPV6 (ipv6(7), net/ipv6/ipv6_sockglue.c). */

import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import { SOCK_STREAM } from "../../../syscall-tables/flags/socket.ts";
import { CAP_NET_ADMIN, CAP_NET_RAW } from "../../../syscall-tables/flags/system.ts";

import { EADDRNOTAVAIL, EINVAL, ENODEV, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP, EPERM } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { int32At, int32Bytes } from "../control.ts";
import type { OptionValue } from "../socket.ts";
import { v6In } from "./address.ts";
import type { InetSocket } from "./inet-socket.ts";
import { joinGroup, leaveGroup } from "./memberships.ts";
import { changeGroup, changeGroupSource, isSourceFilter, MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP, MCAST_MSFILTER } from "./multicast.ts";

const IPV6_PATHMTU = 61;
const IPV6_FLOWLABEL_MGR = 32;
const IP6T_SO_GET_INFO = 64;
const IP6T_SO_GET_ENTRIES = 65;

/** name → [initial value, smallest, largest] */
const ints = new Map<number, readonly [number, number, number]>([
  [IP.IPV6_UNICAST_HOPS, [-1, -1, 255]],
  [IP.IPV6_MULTICAST_HOPS, [1, -1, 255]],
  [IP.IPV6_MTU_DISCOVER, [1, 0, 5]],
  [IP.IPV6_TCLASS, [0, -1, 255]],
  [73, [0, 0, 255]],
]);

/** Flags by number, with those that Linux knows by another family's name: RFC 2292 forms, flow info, origin address. */
const flags = new Map<number, number>([
  [2, 0],
  [3, 0],
  [4, 0],
  [5, 0],
  [8, 0],
  [11, 0],
  [IP.IPV6_MULTICAST_LOOP, 1],
  [IP.IPV6_RECVERR, 0],
  [IP.IPV6_V6ONLY, 0],
  [IP.IPV6_MULTICAST_ALL, 1],
  [30, 0],
  [IP.IPV6_RECVERR_RFC4884, 0],
  [33, 0],
  [IP.IPV6_RECVPKTINFO, 0],
  [IP.IPV6_RECVHOPLIMIT, 0],
  [53, 0],
  [56, 0],
  [58, 0],
  [60, 0],
  [IP.IPV6_DONTFRAG, 0],
  [IP.IPV6_RECVTCLASS, 0],
  [IP.IPV6_AUTOFLOWLABEL, 1],
  [74, 0],
  [IP.IPV6_TRANSPARENT, 0],
  [77, 0],
  [IP.IPV6_FREEBIND, 0],
]);

/** Numbers that setIpv6Option() tells apart by themselves. */
const otherNames: readonly number[] = [
  IP.IPV6_ADDRFORM,
  IP.IPV6_MULTICAST_IF,
  IP.IPV6_MTU,
  IP.IPV6_ROUTER_ALERT,
  IP.IPV6_JOIN_ANYCAST,
  IP.IPV6_LEAVE_ANYCAST,
  IP.IPV6_PKTINFO,
  IPV6_FLOWLABEL_MGR,
  IP6T_SO_GET_INFO,
  IP6T_SO_GET_ENTRIES,
  54,
  55,
  57,
  59,
  72,
  76,
];
/** Flags for which a value of less than an int means 0. */
const anyLength: readonly number[] = [IP.IPV6_DONTFRAG, IP.IPV6_AUTOFLOWLABEL, 77];

/** The two bits of ECN belong to TCP. */
const trafficClass = (socket: InetSocket, value: number): number => {
  const wanted = value === -1 ? 0 : value;
  return socket.type === SOCK_STREAM ? wanted & ~3 : wanted;
};

/** IPV6_ADDR_PREFERENCES (RFC 5014): of each group at most one bit. Those of the last group are checked and forgotten. */
const PREFER_TMP_PUBLIC_DEFAULT = [0x1, 0x2, 0x100];
const PREFER_COA_HOME = [0x4, 0x400];
const PREFER_CGA_NONCGA = [0x8, 0x800];

const preferences = (value: number): number => {
  const chosen = (group: readonly number[]): number => group.reduce((bits, bit) => bits | (value & bit), 0);
  const [temporary, home, generated] = [chosen(PREFER_TMP_PUBLIC_DEFAULT), chosen(PREFER_COA_HOME), chosen(PREFER_CGA_NONCGA)];
  if ([temporary, home, generated].some((bits) => (bits & (bits - 1)) !== 0)) return EINVAL;
  return (temporary || 0x100) | (home || 0x400);
};

const isKnown = (name: number): boolean =>
  ints.has(name) || flags.has(name) || name === IP.IPV6_V6ONLY || otherNames.includes(name) || isSourceFilter(name);

export const getIpv6Option = (socket: InetSocket, name: number): OptionValue => {
  const { ip } = socket;
  if (name === IP.IPV6_V6ONLY) return int32Bytes(socket.isV6Only ? 1 : 0);
  if (name === IP.IPV6_UNICAST_HOPS) return int32Bytes(ip.hopLimit);
  const range = ints.get(name);
  if (range !== undefined) return int32Bytes(ip.v6.get(name) ?? range[0]);
  const flag = flags.get(name);
  if (flag !== undefined) return int32Bytes(ip.v6.get(name) ?? flag);
  switch (name) {
    case IP.IPV6_ADDRFORM:
    case IPV6_PATHMTU:
      return ENOTCONN;
    case IP.IPV6_MTU:
      return socket.remoteAddress === null ? ENOTCONN : int32Bytes(65536);
    case IP.IPV6_MULTICAST_IF:
      return int32Bytes(ip.multicastInterface);
    case IP.IPV6_ROUTER_ALERT:
    case 76:
      return int32Bytes(0);
    case 72:
      return int32Bytes(ip.v6.get(72) ?? preferences(0));
    case IP6T_SO_GET_INFO:
    case IP6T_SO_GET_ENTRIES:
    case 68:
    case 69:
    case IPV6_FLOWLABEL_MGR:
    case MCAST_MSFILTER:
      return EINVAL;
    case 6:
      return socket.type === SOCK_STREAM ? new Uint8Array(0) : ENOPROTOOPT;
    case 54:
    case 55:
    case 57:
    case 59:
      return new Uint8Array(0);
    default:
      return ENOPROTOOPT;
  }
};

/** struct ipv6_mreq { address, ifindex }. */
const changeMembership = (socket: InetSocket, name: number, value: Uint8Array): number => {
  if (value.length < 20) return EINVAL;
  const group = v6In(value, 0);
  const wanted = int32At(value, 16);
  if (!group.isMulticast || group.isV4) return EINVAL;
  if (name === IP.IPV6_ADD_MEMBERSHIP) {
    if (wanted === 0 || socket.net.interfaceByIndex(wanted) === null) return ENODEV;
    return joinGroup(socket, group, wanted);
  }
  return leaveGroup(socket, group, wanted);
};

export const setIpv6Option = (socket: InetSocket, task: Task, name: number, value: Uint8Array): number => {
  const { ip } = socket;
  if (name === IP.IPV6_ADD_MEMBERSHIP || name === IP.IPV6_DROP_MEMBERSHIP) return changeMembership(socket, name, value);
  if (name === MCAST_JOIN_GROUP || name === MCAST_LEAVE_GROUP) return changeGroup(socket, name, value);
  if (isSourceFilter(name) && name !== MCAST_MSFILTER) return changeGroupSource(socket, name, value);
  if (value.length < 4) {
    if (name === IP.IPV6_IPSEC_POLICY) return EOPNOTSUPP;
    if (name === 6) return 0;
    if (value.length === 0 && (name === 54 || name === 55 || name === 57 || name === 59)) return 0;
    // do_ipv6_setsockopt() looks at the length option by option, and not at all for some flags.
    if (!isKnown(name) || (name === IP.IPV6_MULTICAST_HOPS && socket.type === SOCK_STREAM)) return ENOPROTOOPT;
    if (!anyLength.includes(name)) return EINVAL;
    ip.v6.set(name, 0);
    return 0;
  }
  const int = int32At(value, 0);
  if (name === IP.IPV6_V6ONLY) {
    if (socket.localPort !== 0) return EINVAL;
    socket.isV6Only = int !== 0;
    return 0;
  }
  const range = ints.get(name);
  if (range !== undefined) {
    if (name === IP.IPV6_MULTICAST_HOPS && socket.type === SOCK_STREAM) return ENOPROTOOPT;
    if (int < range[1] || int > range[2]) return EINVAL;
    ip.v6.set(name, name === IP.IPV6_MULTICAST_HOPS && int === -1 ? 1 : name === IP.IPV6_TCLASS ? trafficClass(socket, int) : int);
    return 0;
  }
  if (flags.has(name)) {
    if ((name === IP.IPV6_MULTICAST_LOOP || name === IP.IPV6_RECVERR_RFC4884) && int !== 0 && int !== 1) return EINVAL;
    const isPrivileged =
      task.creds.hasIn(socket.net.userNamespace, CAP_NET_ADMIN) || task.creds.hasIn(socket.net.userNamespace, CAP_NET_RAW);
    if (name === IP.IPV6_TRANSPARENT && int !== 0 && !isPrivileged) return EPERM;
    ip.v6.set(name, int !== 0 ? 1 : 0);
    // One bit for both families.
    if (name === IP.IPV6_FREEBIND) ip.v4.set(IP.IP_FREEBIND, int !== 0 ? 1 : 0);
    if (name === IP.IPV6_TRANSPARENT) ip.v4.set(IP.IP_TRANSPARENT, int !== 0 ? 1 : 0);
    if (int !== 0) ip.wantsControl = true;
    return 0;
  }
  switch (name) {
    case IP.IPV6_MULTICAST_IF:
      if (socket.type === SOCK_STREAM) return ENOPROTOOPT;
      if (int !== 0 && socket.net.interfaceByIndex(int) === null) return ENODEV;
      ip.multicastInterface = int;
      return 0;
    case IP.IPV6_MTU:
      return int !== 0 && int < 1280 ? EINVAL : 0;
    case IP.IPV6_IPSEC_POLICY:
      return EOPNOTSUPP;
    case 72: {
      const chosen = preferences(int);
      if (chosen < 0) return chosen;
      ip.v6.set(72, chosen);
      return 0;
    }
    case 76:
      return int === 0 ? 0 : EADDRNOTAVAIL;
    case IP.IPV6_ADDRFORM:
    case IP.IPV6_JOIN_ANYCAST:
    case IP.IPV6_LEAVE_ANYCAST:
    case IP.IPV6_PKTINFO:
    case IP.IPV6_XFRM_POLICY:
    case IPV6_FLOWLABEL_MGR:
    case IP6T_SO_GET_INFO:
    case IP6T_SO_GET_ENTRIES:
    case 54:
    case 55:
    case 57:
    case 59:
      return EINVAL;
    case 6:
      return 0;
    default:
      return isSourceFilter(name) ? EINVAL : ENOPROTOOPT;
  }
};
