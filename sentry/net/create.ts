/** socket(2) and socketpair(2): which class serves which family, type and protocol. */
import { O_NONBLOCK } from "../../syscall-tables/flags/open.ts";
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_PACKET,
  AF_UNIX,
  NETLINK_KOBJECT_UEVENT,
  NETLINK_ROUTE,
  NETLINK_SOCK_DIAG,
  NETLINK_USERSOCK,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_PACKET,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from "../../syscall-tables/flags/socket.ts";
import { EAFNOSUPPORT, EINVAL, EPROTONOSUPPORT, type Errno, ESOCKTNOSUPPORT } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";

import { NetlinkSocket } from "./netlink/netlink-socket.ts";
import { networkOf } from "./network-namespace.ts";
import type { Socket, SocketOptions } from "./socket.ts";
import { UnixPacketSocket } from "./unix/packet.ts";
import { UnixStreamSocket } from "./unix/stream.ts";

/** AF_MAX, SOCK_MAX, IPPROTO_MAX */
const FAMILIES = 46;
const TYPES = 11;
const PROTOCOLS = 263;
const MAX_NETLINK = 32;

const netlinkProtocols = new Set([NETLINK_ROUTE, NETLINK_USERSOCK, NETLINK_SOCK_DIAG, NETLINK_KOBJECT_UEVENT]);

const optionsFor = (task: Task, family: number, type: number, protocol: number, flags: number): SocketOptions => ({
  kernel: task.kernel,
  net: networkOf(task),
  family,
  type,
  protocol,
  flags: (flags & SOCK_NONBLOCK) !== 0 ? O_NONBLOCK : 0,
  uid: task.creds.fsuid,
  gid: task.creds.fsgid,
  domain: task.creds.landlock,
});

const createUnix = (task: Task, type: number, protocol: number, flags: number): Socket | Errno => {
  if (protocol !== 0 && protocol !== AF_UNIX) return EPROTONOSUPPORT;
  switch (type) {
    case SOCK_STREAM:
      return new UnixStreamSocket(optionsFor(task, AF_UNIX, type, 0, flags));
    // Raw unix sockets are datagram sockets.
    case SOCK_RAW:
    case SOCK_DGRAM:
      return new UnixPacketSocket(optionsFor(task, AF_UNIX, SOCK_DGRAM, 0, flags));
    case SOCK_SEQPACKET:
      return new UnixPacketSocket(optionsFor(task, AF_UNIX, type, 0, flags));
    default:
      return ESOCKTNOSUPPORT;
  }
};

const createInet = (task: Task, family: number, type: number, protocol: number, flags: number): Socket | Errno => {
  if (protocol < 0 || protocol >= PROTOCOLS) return EINVAL;
  return networkOf(task).stack.createInet(task, optionsFor(task, family, type, protocol, flags));
};

const createNetlink = (task: Task, type: number, protocol: number, flags: number): Socket | Errno => {
  if (type !== SOCK_RAW && type !== SOCK_DGRAM) return ESOCKTNOSUPPORT;
  if (protocol < 0 || protocol >= MAX_NETLINK || !netlinkProtocols.has(protocol)) return EPROTONOSUPPORT;
  const options = optionsFor(task, AF_NETLINK, type, protocol, flags);
  return protocol === NETLINK_ROUTE ? networkOf(task).stack.createRoute(task, options) : new NetlinkSocket(options);
};

/** `type` without flags; `flags`: SOCK_NONBLOCK. */
export const createSocket = (task: Task, family: number, type: number, protocol: number, flags: number): Socket | Errno => {
  if (family < 0 || family >= FAMILIES) return EAFNOSUPPORT;
  if (type < 0 || type >= TYPES) return EINVAL;
  // An old way to say AF_PACKET.
  const wanted = family === AF_INET && type === SOCK_PACKET ? AF_PACKET : family;
  switch (wanted) {
    case AF_UNIX:
      return createUnix(task, type, protocol, flags);
    case AF_INET:
    case AF_INET6:
      return createInet(task, wanted, type, protocol, flags);
    case AF_NETLINK:
      return createNetlink(task, type, protocol, flags);
    case AF_PACKET:
      return networkOf(task).stack.createPacket(task, optionsFor(task, wanted, type, protocol, flags));
    default:
      return EAFNOSUPPORT;
  }
};
