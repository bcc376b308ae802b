/** inet_diag: TCP, UDP and UDP-Lite sockets (sock_diag(7), net/ipv4/{inet_diag,tcp_diag,udp_diag}.c). */
import { AF_INET, AF_INET6, IPPROTO_TCP } from "../../../syscall-tables/flags/socket.ts";
import { CAP_NET_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EINVAL, ENOENT } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { uint32At } from "../control.ts";
import { type IpAddress, portIn, putAddress6, putWord, v4In, v6In } from "../inet/address.ts";
import { DatagramSocket } from "../inet/datagram-socket.ts";
import type { InetSocket } from "../inet/inet-socket.ts";
import { tcpInfo } from "../inet/tcp-info.ts";
import { TcpSocket } from "../inet/tcp-socket.ts";
import { TCP_CLOSE, TCP_LISTEN } from "../inet/tcp-state.ts";
import {
  attributesOf,
  type NetlinkBuilder,
  type NetlinkRequest,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLMSG_HEADER,
} from "../netlink/netlink-message.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import { InetFilter } from "./inet-filter.ts";
import { type InetEntry, inetSockets } from "./inet-sockets.ts";
import { cookieAt, isCookie, SOCK_DIAG_BY_FAMILY } from "./request.ts";

/** struct inet_diag_req_v2 and where its struct inet_diag_sockid is */
const REQUEST_SIZE = 56;
const EXT = NLMSG_HEADER + 2;
const STATES = NLMSG_HEADER + 4;
const SOCKID = NLMSG_HEADER + 8;
const COOKIE = SOCKID + 40;

const INET_DIAG_REQ_BYTECODE = 1;
const INET_DIAG_MEMINFO = 1;
const INET_DIAG_INFO = 2;
const INET_DIAG_CONG = 4;
const INET_DIAG_TOS = 5;
const INET_DIAG_TCLASS = 6;
const INET_DIAG_SKMEMINFO = 7;
const INET_DIAG_SHUTDOWN = 8;
const INET_DIAG_SKV6ONLY = 11;
const INET_DIAG_MARK = 15;

const wire = (family: number, address: IpAddress): Uint8Array => {
  const bytes = new Uint8Array(16);
  if (family === AF_INET) putWord(bytes, 0, address.v4);
  // The wildcard of an IPv6 socket may be kept as that of IPv4.
  else if (!(address.isV4 && address.isAny)) putAddress6(bytes, 0, address);
  return bytes;
};

const bigEndian = (port: number): number => ((port & 0xff) << 8) | (port >>> 8);

const words = (...values: number[]): Uint8Array => {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint32(index * 4, value, true);
  });
  return bytes;
};

/** sock_diag_put_meminfo(): what is queued, the limits, and what was lost. */
const memoryOf = ({ receiveQueue, sendQueue }: InetEntry, socket: InetSocket): Uint8Array => {
  const { receiveBuffer, sendBuffer } = socket.settings;
  const drops = socket instanceof DatagramSocket ? socket.drops : 0;
  return words(socket.isListening ? 0 : receiveQueue, receiveBuffer, 0, sendBuffer, 0, socket.isListening ? 0 : sendQueue, 0, 0, drops);
};

/** inet_diag_msg_attrs_fill() and inet_sk_diag_fill() */
const putAttributes = (answers: NetlinkBuilder, entry: InetEntry, ext: number, isAdmin: boolean): void => {
  const { socket, family, state } = entry;
  const wants = (attribute: number): boolean => (ext & (1 << (attribute - 1))) !== 0;
  if (socket !== null) {
    answers.attributeU8(INET_DIAG_SHUTDOWN, socket.shutdownMask);
    if (wants(INET_DIAG_TOS)) answers.attributeU8(INET_DIAG_TOS, socket.ip.tos);
    if (family === AF_INET6) {
      if (wants(INET_DIAG_TCLASS)) answers.attributeU8(INET_DIAG_TCLASS, socket.ip.trafficClass);
      if (state === TCP_LISTEN || state === TCP_CLOSE) answers.attributeU8(INET_DIAG_SKV6ONLY, Number(socket.isV6Only));
    }
  }
  if (isAdmin) answers.attributeU32(INET_DIAG_MARK, 0);
  if (socket === null) return;
  if (wants(INET_DIAG_MEMINFO)) answers.attribute(INET_DIAG_MEMINFO, words(entry.receiveQueue, entry.sendQueue, 0, 0));
  if (wants(INET_DIAG_SKMEMINFO)) answers.attribute(INET_DIAG_SKMEMINFO, memoryOf(entry, socket));
  if (!(socket instanceof TcpSocket) || entry.asked !== entry.state) return;
  if (wants(INET_DIAG_INFO)) answers.attribute(INET_DIAG_INFO, tcpInfo(socket));
  if (wants(INET_DIAG_CONG)) answers.attributeText(INET_DIAG_CONG, "cubic");
};

const putEntry = (answers: NetlinkBuilder, task: Task, request: NetlinkRequest, entry: InetEntry, isAdmin: boolean): void => {
  const { family, socket } = entry;
  const flags = (request.flags & NLM_F_DUMP) === NLM_F_DUMP ? NLM_F_MULTI : 0;
  answers.begin(SOCK_DIAG_BY_FAMILY, flags, request.sequence, request.portId);
  answers.u8(family).u8(entry.state).u8(entry.timer).u8(entry.retransmits);
  answers.u16(bigEndian(entry.localPort)).u16(bigEndian(entry.remotePort));
  answers.raw(wire(family, entry.local)).raw(wire(family, entry.remote));
  answers
    .u32(entry.interfaceIndex)
    .u32(socket?.cookie ?? 0)
    .u32(0);
  answers.u32(entry.expiresMs).u32(entry.receiveQueue).u32(entry.sendQueue);
  answers.u32(socket === null ? entry.uid : task.creds.userNamespace.showUid(entry.uid)).u32(entry.inode);
  putAttributes(answers, entry, request.bytes[EXT], isAdmin);
  answers.finish();
};

/** The one socket that ports, addresses and cookie name. */
const one = (
  task: Task,
  request: NetlinkRequest,
  answers: NetlinkBuilder,
  entries: InetEntry[],
  family: number,
  isAdmin: boolean,
): number => {
  const { bytes } = request;
  const addressAt = (at: number): IpAddress => (family === AF_INET ? v4In(bytes, at) : v6In(bytes, at));
  const localPort = portIn(bytes.subarray(SOCKID - 2));
  const remotePort = portIn(bytes.subarray(SOCKID));
  const local = addressAt(SOCKID + 4);
  const remote = addressAt(SOCKID + 20);
  const isMeant = (entry: InetEntry): boolean => {
    if (entry.localPort !== localPort) return false;
    if (entry.remotePort !== 0) return entry.remotePort === remotePort && entry.local.equals(local) && entry.remote.equals(remote);
    return entry.local.isAny || entry.local.equals(local);
  };
  const meant = entries.filter(isMeant);
  const found = meant.find(({ remotePort: port }) => port !== 0) ?? meant[0];
  if (found === undefined || (found.socket !== null && !isCookie(found.socket, ...cookieAt(bytes, COOKIE)))) return ENOENT;
  putEntry(answers, task, request, found, isAdmin);
  return 0;
};

/** inet_diag_handler_cmd(): 0 or an errno. */
export const answerInetDiag = (net: NetworkNamespace, task: Task, request: NetlinkRequest, answers: NetlinkBuilder): number => {
  const { bytes } = request;
  if (bytes.length < NLMSG_HEADER + REQUEST_SIZE) return EINVAL;
  const family = bytes[NLMSG_HEADER];
  const protocol = bytes[NLMSG_HEADER + 1];
  const entries = inetSockets(net, protocol, family);
  if (entries === null) {
    if ((request.flags & NLM_F_DUMP) !== NLM_F_DUMP) return ENOENT;
    // It is found out when the dump has begun.
    answers.dumpResult = ENOENT;
    return 0;
  }
  const isAdmin = task.creds.hasIn(net.userNamespace, CAP_NET_ADMIN);
  if ((request.flags & NLM_F_DUMP) !== NLM_F_DUMP) return one(task, request, answers, entries, family, isAdmin);
  const code = attributesOf(bytes, NLMSG_HEADER + REQUEST_SIZE).get(INET_DIAG_REQ_BYTECODE);
  const filter = code === undefined ? null : new InetFilter(code);
  const refused = filter?.check(isAdmin) ?? 0;
  if (refused !== 0) return refused;
  const states = uint32At(bytes, STATES);
  const localPort = portIn(bytes.subarray(SOCKID - 2));
  const remotePort = portIn(bytes.subarray(SOCKID));
  for (const entry of entries) {
    if ((states & (1 << entry.asked)) === 0) continue;
    // Sockets that are bound only are not asked for their ports (inet_diag_dump_icsk).
    const isBoundOnly = entry.asked !== entry.state;
    if (localPort !== 0 && entry.localPort !== localPort && !isBoundOnly) continue;
    if (remotePort !== 0 && !isBoundOnly && (entry.remotePort !== remotePort || (protocol === IPPROTO_TCP && entry.state === TCP_LISTEN)))
      continue;
    if (filter === null || filter.accepts(entry)) putEntry(answers, task, request, entry, isAdmin);
  }
  return 0;
};
