/** The internet sockets of a namespace as inet_diag tells of them: this kernel's own, or those of the host's files. */
import { AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE } from "../../../syscall-tables/flags/socket.ts";
import { ANY4, ANY6, IpAddress, v4Address } from "../inet/address.ts";
import { DatagramSocket } from "../inet/datagram-socket.ts";
import type { InetSocket } from "../inet/inet-socket.ts";
import { TimeWait } from "../inet/port-table.ts";
import { TcpSocket } from "../inet/tcp-socket.ts";
import { TCP_CLOSE, TCP_ESTABLISHED, TCP_LISTEN } from "../inet/tcp-state.ts";
import type { NetworkNamespace } from "../network-namespace.ts";

/** A TCP socket with a port and without a connection (TCP_BOUND_INACTIVE). */
const TCP_BOUND_INACTIVE = 13;
/** The timer of a TIME-WAIT socket (inet_diag_msg.idiag_timer). */
const TIMER_TIME_WAIT = 3;
const TICK_MS = 10;

export interface InetEntry {
  readonly family: number;
  readonly state: number;
  /** The state that a request names to hear of it. */
  readonly asked: number;
  readonly local: IpAddress;
  readonly localPort: number;
  readonly remote: IpAddress;
  readonly remotePort: number;
  readonly interfaceIndex: number;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly uid: number;
  readonly inode: number;
  readonly timer: number;
  readonly retransmits: number;
  readonly expiresMs: number;
  /** The caller of bind(2) chose the port. */
  readonly hasOwnPort: boolean;
  /** Null for what is no socket any more, and for the host's. */
  readonly socket: InetSocket | null;
}

const NO_TIMER = { timer: 0, retransmits: 0, expiresMs: 0 };
const any = (family: number): IpAddress => (family === AF_INET ? ANY4 : ANY6);

/** `isAccepted`: a connection that nobody has accepted has no inode yet. */
const ofTcp = (socket: TcpSocket, isAccepted: boolean): InetEntry => {
  const isListening = socket.state === TCP_LISTEN;
  return {
    ...NO_TIMER,
    family: socket.family,
    state: socket.state,
    asked: socket.state === TCP_CLOSE ? TCP_BOUND_INACTIVE : socket.state,
    local: socket.localAddress,
    localPort: socket.localPort,
    remote: socket.remoteAddress ?? any(socket.family),
    remotePort: socket.remotePort,
    interfaceIndex: socket.interfaceIndex,
    receiveQueue: isListening ? socket.acceptQueue.length : socket.unreadSequence,
    sendQueue: isListening ? socket.backlog : Math.max(0, socket.outputQueue()),
    uid: socket.uid,
    inode: isAccepted ? socket.inode.ino : 0,
    hasOwnPort: socket.hasOwnPort && !socket.isChild,
    socket,
  };
};

const ofTimeWait = (kept: TimeWait, nowNs: number): InetEntry => ({
  family: kept.localAddress.isV4 ? AF_INET : AF_INET6,
  state: kept.state,
  asked: kept.state,
  local: kept.localAddress,
  localPort: kept.localPort,
  remote: kept.remoteAddress,
  remotePort: kept.remotePort,
  interfaceIndex: kept.interfaceIndex,
  receiveQueue: 0,
  sendQueue: 0,
  uid: 0,
  inode: 0,
  timer: TIMER_TIME_WAIT,
  retransmits: 0,
  expiresMs: Math.max(0, Math.floor((kept.untilNs - nowNs) / 1e6)),
  hasOwnPort: false,
  socket: null,
});

const ofDatagram = (socket: DatagramSocket): InetEntry => ({
  ...NO_TIMER,
  family: socket.family,
  state: socket.remoteAddress === null ? TCP_CLOSE : TCP_ESTABLISHED,
  asked: socket.remoteAddress === null ? TCP_CLOSE : TCP_ESTABLISHED,
  local: socket.localAddress,
  localPort: socket.localPort,
  remote: socket.remoteAddress ?? any(socket.family),
  remotePort: socket.remotePort,
  interfaceIndex: socket.interfaceIndex,
  receiveQueue: socket.queuedBytes,
  sendQueue: 0,
  uid: socket.uid,
  inode: socket.inode.ino,
  hasOwnPort: socket.hasOwnPort,
  socket,
});

/** An address of /proc/net/tcp: words as they lie in memory, little endian. */
const addressIn = (text: string): IpAddress => {
  const words = (text.match(/.{8}/g) ?? []).map((word) => Buffer.from(word, "hex").readUInt32LE(0));
  return words.length === 4 ? new IpAddress(words[0], words[1], words[2], words[3]) : v4Address(words[0] ?? 0);
};

/** A line of the host's /proc/net/{tcp,udp,udplite}{,6}. */
const ofLine = (line: string, family: number): InetEntry | null => {
  const fields = line.trim().split(/\s+/);
  if (fields.length < 10) return null;
  const [local, localPort] = fields[1].split(":");
  const [remote, remotePort] = fields[2].split(":");
  const [sendQueue, receiveQueue] = fields[4].split(":");
  const [timer, expires] = fields[5].split(":");
  return {
    family,
    state: Number.parseInt(fields[3], 16),
    asked: Number.parseInt(fields[3], 16),
    local: addressIn(local),
    localPort: Number.parseInt(localPort, 16),
    remote: addressIn(remote),
    remotePort: Number.parseInt(remotePort, 16),
    interfaceIndex: 0,
    receiveQueue: Number.parseInt(receiveQueue, 16),
    sendQueue: Number.parseInt(sendQueue, 16),
    uid: Number(fields[7]),
    inode: Number(fields[9]),
    timer: Number.parseInt(timer, 16),
    retransmits: Number.parseInt(fields[6], 16),
    expiresMs: Number.parseInt(expires, 16) * TICK_MS,
    hasOwnPort: true,
    socket: null,
  };
};

const fileNames: ReadonlyMap<number, string> = new Map([
  [IPPROTO_TCP, "tcp"],
  [IPPROTO_UDP, "udp"],
  [IPPROTO_UDPLITE, "udplite"],
]);

/** All sockets of a protocol and family, listeners first; null: no such protocol is told of. */
export const inetSockets = (net: NetworkNamespace, protocol: number, family: number): InetEntry[] | null => {
  const name = fileNames.get(protocol);
  if (name === undefined) return null;
  const text = net.stack.procText(family === AF_INET ? name : `${name}6`);
  if (text !== null)
    return text
      .split("\n")
      .slice(1)
      .map((line) => ofLine(line, family))
      .filter((entry) => entry !== null);
  const entries: InetEntry[] = [];
  if (protocol !== IPPROTO_TCP) {
    for (const [, socket] of (protocol === IPPROTO_UDP ? net.udp : net.udplite).entries()) {
      if (socket instanceof DatagramSocket && socket.family === family) entries.push(ofDatagram(socket));
    }
    return entries;
  }
  const nowNs = net.kernel.clock.monotonicNs();
  const pending = new Set<object>();
  for (const [, binding] of net.tcp.entries()) {
    if (binding instanceof TcpSocket) for (const child of binding.acceptQueue) pending.add(child);
  }
  for (const [, binding] of net.tcp.entries()) {
    if (binding instanceof TimeWait) {
      const entry = ofTimeWait(binding, nowNs);
      if (entry.family === family && binding.untilNs > nowNs) entries.push(entry);
    } else if (binding instanceof TcpSocket && binding.family === family) entries.push(ofTcp(binding, !pending.has(binding)));
  }
  return entries.sort((a, b) => Number(b.state === TCP_LISTEN) - Number(a.state === TCP_LISTEN));
};
