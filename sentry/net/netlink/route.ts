/** NETLINK_ROUTE requests (rtnetlink(7)): links, addresses, routes and rules of the namespace. */

import { AF_INET, AF_INET6, AF_UNSPEC, NETLINK_ROUTE } from "../../../syscall-tables/flags/socket.ts";
import { CAP_NET_ADMIN } from "../../../syscall-tables/flags/system.ts";

import { EINVAL, EOPNOTSUPP, EPERM, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { uint32At } from "../control.ts";
import { ANY6, type IpAddress, putAddress6, putWord, v4Address, v4In, v6In } from "../inet/address.ts";
import {
  type InterfaceAddress,
  type Loopback,
  type NetworkInterface,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
} from "../interfaces.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import { attributesOf, NetlinkBuilder, type NetlinkRequest, NLM_F_DUMP, NLM_F_MULTI, NLMSG_HEADER } from "./netlink-message.ts";

import { changeRoute, linkOf, type Note, RTM_DELADDR, RTM_NEWADDR, RTM_NEWLINK, readAddress } from "./route-change.ts";

const RTM_GETLINK = 18;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RTM_NEWRULE = 32;
const RTM_GETRULE = 34;
const RTM_MAX = 123;

const RTN_LOCAL = 2;
const RTN_BROADCAST = 3;
const RT_TABLE_MAIN = 254;
const RT_TABLE_DEFAULT = 253;
const RT_TABLE_LOCAL = 255;
const RTPROT_KERNEL = 2;
const IFA_F_PERMANENT = 0x80;
const IFA_F_SECONDARY = 0x1;
const IF_OPER_UNKNOWN = 0;
const IF_OPER_DOWN = 2;
const FR_ACT_TO_TBL = 1;
const RTM_F_CLONED = 0x200;
const RTCF_LOCAL = 0x8000_0000;
const IF_READY = 0x8000_0000;
const FOREVER = 0xffff_ffff;

const wire = (address: IpAddress): Uint8Array => {
  const bytes = new Uint8Array(address.isV4 ? 4 : 16);
  if (address.isV4) putWord(bytes, 0, address.v4);
  else putAddress6(bytes, 0, address);
  return bytes;
};

const flagsOf = (request: NetlinkRequest): number => ((request.flags & NLM_F_DUMP) === NLM_F_DUMP ? NLM_F_MULTI : 0);

const putLink = (answers: NetlinkBuilder, request: NetlinkRequest, device: Loopback): void => {
  answers.begin(RTM_NEWLINK, flagsOf(request), request.sequence, request.portId);
  answers.u8(AF_UNSPEC).u8(0).u16(device.type).u32(device.index).u32(device.flags).u32(0);
  answers.attributeText(3, device.name); // IFLA_IFNAME
  answers.attributeU32(13, device.queueLength); // IFLA_TXQLEN
  answers.attributeU8(16, device.isUp ? IF_OPER_UNKNOWN : IF_OPER_DOWN); // IFLA_OPERSTATE
  answers.attributeU8(17, 0); // IFLA_LINKMODE
  answers.attributeU32(4, device.mtu); // IFLA_MTU
  answers.attributeU32(50, 0); // IFLA_MIN_MTU
  answers.attributeU32(51, 0); // IFLA_MAX_MTU
  answers.attributeU32(27, 0); // IFLA_GROUP
  answers.attributeU32(30, 0); // IFLA_PROMISCUITY
  answers.attributeU32(61, 0); // IFLA_ALLMULTI
  answers.attributeU32(40, 65535); // IFLA_GSO_MAX_SEGS
  answers.attributeU32(41, 65536); // IFLA_GSO_MAX_SIZE
  answers.attributeU32(58, 65536); // IFLA_GRO_MAX_SIZE
  answers.attributeU32(63, 65536); // IFLA_GSO_IPV4_MAX_SIZE
  answers.attributeU32(64, 65536); // IFLA_GRO_IPV4_MAX_SIZE
  answers.attributeU32(59, 524_280); // IFLA_TSO_MAX_SIZE
  answers.attributeU32(60, 65535); // IFLA_TSO_MAX_SEGS
  answers.attributeU32(31, 1); // IFLA_NUM_TX_QUEUES
  answers.attributeU32(32, 1); // IFLA_NUM_RX_QUEUES
  answers.attributeU8(33, 1); // IFLA_CARRIER
  answers.attributeText(6, device.queueing); // IFLA_QDISC
  answers.attributeU32(35, 0); // IFLA_CARRIER_CHANGES
  answers.attribute(14, new Uint8Array(32)); // IFLA_MAP
  answers.attribute(1, device.hardwareAddress); // IFLA_ADDRESS
  answers.attribute(2, new Uint8Array(6)); // IFLA_BROADCAST
  answers.attribute(23, new Uint8Array(200)); // IFLA_STATS64
  answers.attribute(7, new Uint8Array(96)); // IFLA_STATS
  answers.attribute(26, new NetlinkBuilder().attribute(AF_INET6, inet6Device()).bytes()); // IFLA_AF_SPEC
  answers.finish();
};

/** inet6_fill_ifla6_attrs(): flags, and addresses made of the hardware's. */
const inet6Device = (): Uint8Array =>
  new NetlinkBuilder()
    .attributeU32(1, IF_READY) // IFLA_INET6_FLAGS
    .attributeU8(8, 0) // IFLA_INET6_ADDR_GEN_MODE
    .bytes();

/** inet6_fill_ifinfo(): a link as one asks for it who names IPv6. */
const putLink6 = (answers: NetlinkBuilder, request: NetlinkRequest, device: Loopback): void => {
  answers.begin(RTM_NEWLINK, flagsOf(request), request.sequence, request.portId);
  answers.u8(AF_INET6).u8(0).u16(device.type).u32(device.index).u32(device.flags).u32(0);
  answers.attributeText(3, device.name); // IFLA_IFNAME
  answers.attribute(1, device.hardwareAddress); // IFLA_ADDRESS
  answers.attributeU32(4, device.mtu); // IFLA_MTU
  answers.attributeU8(16, device.isUp ? IF_OPER_UNKNOWN : IF_OPER_DOWN); // IFLA_OPERSTATE
  answers.attribute(12, inet6Device()); // IFLA_PROTINFO
  answers.finish();
};

const putAddress = (
  answers: NetlinkBuilder,
  request: NetlinkRequest,
  device: NetworkInterface,
  own: InterfaceAddress,
  type = RTM_NEWADDR,
): void => {
  const { address, prefixLength } = own;
  const flags = IFA_F_PERMANENT | (own.isSecondary === true ? IFA_F_SECONDARY : 0);
  answers.begin(type, flagsOf(request), request.sequence, request.portId);
  answers
    .u8(address.isV4 ? AF_INET : AF_INET6)
    .u8(prefixLength)
    .u8(flags);
  answers.u8(own.scope).u32(device.index);
  answers.attribute(1, wire(address)); // IFA_ADDRESS
  if (address.isV4) {
    answers.attribute(2, wire(address)); // IFA_LOCAL
    if (own.broadcast !== undefined) answers.attribute(4, wire(own.broadcast)); // IFA_BROADCAST
    answers.attributeText(3, own.label ?? device.name); // IFA_LABEL
  }
  const lifetime = new Uint8Array(16);
  new DataView(lifetime.buffer).setUint32(0, FOREVER, true);
  new DataView(lifetime.buffer).setUint32(4, FOREVER, true);
  answers.attribute(6, lifetime); // IFA_CACHEINFO
  answers.attributeU32(8, flags); // IFA_FLAGS
  answers.finish();
};

const RTNLGRP_IPV4_IFADDR = 5;
const RTNLGRP_IPV6_IFADDR = 9;

/** rtmsg_ifa(), inet6_ifa_notify(): who listens to the group hears of an address that has come or gone. */
const announceAddress = (net: NetworkNamespace, request: NetlinkRequest): void => {
  if (request.type !== RTM_NEWADDR && request.type !== RTM_DELADDR) return;
  const own = readAddress(request);
  if (isErrno(own)) return;
  const news = new NetlinkBuilder();
  // IPv6 does not say whose request it was.
  const cause = own.address.isV4 ? {} : { sequence: 0, portId: 0 };
  putAddress(news, { ...request, ...cause, flags: 0 }, net.loopback, own, request.type);
  net.netlink.announce(NETLINK_ROUTE, own.address.isV4 ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR, news.bytes());
};

interface Route {
  readonly destination: IpAddress;
  readonly prefixLength: number;
  readonly type: number;
  readonly scope: number;
  readonly source: IpAddress | null;
}

/** The local table (fib_add_ifaddr(), addrconf_notify()): a subnet of `lo`'s, its own address and its broadcast address. */
const localRoutes = ({ isUp, addresses }: Loopback): readonly Route[] => {
  const routes: Route[] = [];
  if (!isUp) return routes;
  for (const { address, prefixLength, isSecondary } of addresses) {
    if (!address.isV4) {
      routes.push({ destination: address, prefixLength: 128, type: RTN_LOCAL, scope: RT_SCOPE_UNIVERSE, source: null });
      continue;
    }
    const local = { type: RTN_LOCAL, scope: RT_SCOPE_HOST, source: address };
    const hostBits = prefixLength === 32 ? 0 : 0xffff_ffff >>> prefixLength;
    const subnet = v4Address(address.v4 & ~hostBits);
    if (hostBits !== 0 && isSecondary !== true && !subnet.isAny) routes.push({ destination: subnet, prefixLength, ...local });
    routes.push({ destination: address, prefixLength: 32, ...local });
    if (prefixLength < 31 && isSecondary !== true) {
      const destination = v4Address(address.v4 | hostBits);
      routes.push({ destination, prefixLength: 32, type: RTN_BROADCAST, scope: RT_SCOPE_LINK, source: address });
    }
  }
  return routes.sort(
    (one, other) => Number(other.destination.isV4) - Number(one.destination.isV4) || one.destination.v4 - other.destination.v4,
  );
};

const putRoute = (answers: NetlinkBuilder, request: NetlinkRequest, route: Route, flags = 0, from: IpAddress | null = null): void => {
  // The answer for one destination tells no table (RTM_F_LOOKUP_TABLE).
  const table = flags === 0 ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
  const isV4 = route.destination.isV4;
  answers.begin(RTM_NEWROUTE, flagsOf(request), request.sequence, request.portId);
  answers
    .u8(isV4 ? AF_INET : AF_INET6)
    .u8(route.prefixLength)
    .u8(from === null ? 0 : 128)
    .u8(0);
  answers
    .u8(table)
    .u8(flags === 0 ? RTPROT_KERNEL : 0)
    .u8(route.scope)
    .u8(route.type)
    .u32(flags);
  answers.attributeU32(15, table); // RTA_TABLE
  answers.attribute(1, wire(route.destination)); // RTA_DST
  if (from !== null) answers.attribute(2, wire(from)); // RTA_SRC
  if (!isV4) answers.attributeU32(6, 0); // RTA_PRIORITY
  if (route.source !== null) answers.attribute(7, wire(route.source)); // RTA_PREFSRC
  answers.attributeU32(4, 1); // RTA_OIF
  if (!isV4) answers.attributeU8(20, 0); // RTA_PREF: medium
  if (flags !== 0) answers.attributeU32(25, 0); // RTA_UID
  answers.finish();
};

const putRule = (answers: NetlinkBuilder, request: NetlinkRequest, family: number, table: number, priority: number): void => {
  answers.begin(RTM_NEWRULE, flagsOf(request), request.sequence, request.portId);
  answers.u8(family).u8(0).u8(0).u8(0).u8(table).u8(0).u8(0).u8(FR_ACT_TO_TBL).u32(0);
  answers.attributeU32(15, table); // FRA_TABLE
  if (priority !== 0) answers.attributeU32(6, priority); // FRA_PRIORITY
  answers.attributeU8(21, RTPROT_KERNEL); // FRA_PROTOCOL
  answers.finish();
};

const familyOf = (request: NetlinkRequest): number => (request.bytes.length > NLMSG_HEADER ? request.bytes[NLMSG_HEADER] : AF_UNSPEC);

const wantsFamily = (request: NetlinkRequest, family: number): boolean => {
  const wanted = familyOf(request);
  return wanted === AF_UNSPEC || wanted === family;
};

/** A dump: all objects of a kind. Kinds that this network has none of are empty. */
const dump = (net: NetworkNamespace, request: NetlinkRequest, answers: NetlinkBuilder, isStrict: boolean): number => {
  switch (request.type) {
    case RTM_GETLINK:
      if (familyOf(request) === AF_INET6) putLink6(answers, request, net.loopback);
      else putLink(answers, request, net.loopback);
      return 0;
    case RTM_GETADDR: {
      const index = isStrict && request.bytes.length >= NLMSG_HEADER + 8 ? uint32At(request.bytes, NLMSG_HEADER + 4) : 0;
      for (const device of net.interfaces) {
        if (index !== 0 && device.index !== index) continue;
        for (const own of device.addresses) {
          if (wantsFamily(request, own.address.isV4 ? AF_INET : AF_INET6)) putAddress(answers, request, device, own);
        }
      }
      return 0;
    }
    case RTM_GETROUTE: {
      // A strict request for one table names it in the header.
      const table = isStrict && request.bytes.length >= NLMSG_HEADER + 12 ? request.bytes[NLMSG_HEADER + 4] : 0;
      if (table !== 0 && table !== RT_TABLE_LOCAL) return 0;
      for (const route of localRoutes(net.loopback)) {
        if (wantsFamily(request, route.destination.isV4 ? AF_INET : AF_INET6)) putRoute(answers, request, route);
      }
      return 0;
    }
    case RTM_GETRULE:
      for (const family of [AF_INET, AF_INET6]) {
        if (!wantsFamily(request, family)) continue;
        putRule(answers, request, family, RT_TABLE_LOCAL, 0);
        putRule(answers, request, family, RT_TABLE_MAIN, 32766);
        if (family === AF_INET) putRule(answers, request, family, RT_TABLE_DEFAULT, 32767);
      }
      return 0;
    default:
      return 0;
  }
};

const oneLink = (net: NetworkNamespace, request: NetlinkRequest, answers: NetlinkBuilder): number => {
  const device = linkOf(net, request);
  if (isErrno(device)) return device;
  putLink(answers, request, device);
  return 0;
};

const oneRoute = (net: NetworkNamespace, request: NetlinkRequest, answers: NetlinkBuilder): number => {
  if (request.bytes.length < NLMSG_HEADER + 12) return EINVAL;
  const bytes = attributesOf(request.bytes, NLMSG_HEADER + 12).get(1);
  const isV4 = familyOf(request) === AF_INET;
  if (bytes === undefined || bytes.length < (isV4 ? 4 : 16)) return EINVAL;
  const destination = isV4 ? v4In(bytes, 0) : v6In(bytes, 0);
  const source = net.transport.route(destination, 0);
  if (isErrno(source)) return source;
  const route = { destination, prefixLength: isV4 ? 32 : 128, type: RTN_LOCAL, scope: 0, source };
  // IPv6 tells of the route, IPv4 of what it would make of it.
  if (isV4) putRoute(answers, request, route, RTM_F_CLONED | RTCF_LOCAL);
  else putRoute(answers, request, route, 0, ANY6);
  return 0;
};

/** rtnetlink_rcv_msg(): puts the answers into `answers`; 0 or an errno. */
export const answerRoute = (
  net: NetworkNamespace,
  task: Task,
  request: NetlinkRequest,
  answers: NetlinkBuilder,
  isStrict: boolean,
  note: Note,
): number => {
  if (request.type > RTM_MAX) return EOPNOTSUPP;
  if (request.bytes.length < NLMSG_HEADER + 1) return 0;
  const isGet = request.type % 4 === 2;
  if (!isGet) {
    if (!task.creds.hasIn(net.userNamespace, CAP_NET_ADMIN)) return EPERM;
    const result = changeRoute(net, request, note);
    if (result === 0) announceAddress(net, request);
    return result;
  }
  if ((request.flags & NLM_F_DUMP) === NLM_F_DUMP) return dump(net, request, answers, isStrict);
  if (request.type === RTM_GETLINK) return oneLink(net, request, answers);
  if (request.type === RTM_GETROUTE) return oneRoute(net, request, answers);
  return EOPNOTSUPP;
};
