/** The files of /proc/net, as the reader's network namespace has them (proc(5), net/*_proc.c). */
import { AF_INET, AF_INET6, IPPROTO_UDP, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from "../../syscall-tables/flags/socket.ts";
import type { Task } from "../task/task.ts";
import type { IpAddress } from "./inet/address.ts";
import { DatagramSocket } from "./inet/datagram-socket.ts";
import type { InetSocket } from "./inet/inet-socket.ts";
import { ALL_HOSTS4, type JoinedGroup } from "./inet/memberships.ts";
import { TimeWait } from "./inet/port-table.ts";
import { TcpSocket } from "./inet/tcp-socket.ts";
import { TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_LISTEN } from "./inet/tcp-state.ts";
import { IFF_UP } from "./interfaces.ts";
import { type NetworkNamespace, networkOf } from "./network-namespace.ts";
import type { UnixSocket } from "./unix/unix-socket.ts";

const hex = (value: number, width: number): string => (value >>> 0).toString(16).toUpperCase().padStart(width, "0");

const swap = (word: number): number => ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);

/** An address as its words lie in memory, little endian. */
const hexAddress = (address: IpAddress | null, family: number): string => {
  if (family === AF_INET) return hex(swap(address?.v4 ?? 0), 8);
  if (address === null || (address.isV4 && address.isAny)) return "0".repeat(32);
  return [address.a, address.b, address.c, address.d].map((word) => hex(swap(word), 8)).join("");
};

interface Line {
  readonly family: number;
  readonly local: IpAddress;
  readonly localPort: number;
  readonly remote: IpAddress | null;
  readonly remotePort: number;
  readonly state: number;
  readonly sendQueue: number;
  readonly receiveQueue: number;
  readonly uid: number;
  readonly inode: number;
  readonly tail: string;
}

const showLine = (task: Task, index: number, line: Line): string => {
  const { family } = line;
  const local = `${hexAddress(line.local, family)}:${hex(line.localPort, 4)}`;
  const remote = `${hexAddress(line.remote, family)}:${hex(line.remotePort, 4)}`;
  const queues = `${hex(line.sendQueue, 8)}:${hex(line.receiveQueue, 8)}`;
  const uid = `${task.creds.userNamespace.showUid(line.uid)}`.padStart(5);
  return `${`${index}`.padStart(4)}: ${local} ${remote} ${hex(line.state, 2)} ${queues} 00:00000000 00000000 ${uid} ${"0".padStart(8)} ${line.inode}${line.tail}`;
};

const HEADING4 = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const HEADING6 =
  "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const TCP_TAIL = " 1 0000000000000000 100 0 0 10 0";

const tcpLines = (net: NetworkNamespace, family: number): Line[] => {
  const lines: Line[] = [];
  for (const [port, binding] of net.tcp.entries()) {
    if (binding instanceof TimeWait) {
      if ((binding.localAddress.isV4 ? AF_INET : AF_INET6) !== family) continue;
      const { localAddress: local, remoteAddress: remote, remotePort, state } = binding;
      lines.push({
        family,
        local,
        localPort: port,
        remote,
        remotePort,
        state,
        sendQueue: 0,
        receiveQueue: 0,
        uid: 0,
        inode: 0,
        tail: " 3 0000000000000000",
      });
    } else if (binding instanceof TcpSocket && binding.family === family && binding.state !== TCP_CLOSE) lines.push(tcpLine(binding));
  }
  return lines.sort((a, b) => Number(b.state === TCP_LISTEN) - Number(a.state === TCP_LISTEN));
};

const tcpLine = (socket: TcpSocket): Line => ({
  family: socket.family,
  local: socket.localAddress,
  localPort: socket.localPort,
  remote: socket.remoteAddress,
  remotePort: socket.remotePort,
  state: socket.state,
  sendQueue: Math.max(0, socket.outputQueue()),
  receiveQueue: socket.state === TCP_LISTEN ? socket.acceptQueue.length : socket.unreadSequence,
  uid: socket.uid,
  inode: socket.inode.ino,
  tail: TCP_TAIL,
});

const showTcp = (task: Task, family: number): string => {
  const lines = tcpLines(networkOf(task), family).map((line, index) => showLine(task, index, line));
  if (family === AF_INET6) return `${[HEADING6, ...lines].join("\n")}\n`;
  return `${[HEADING4, ...lines].map((line) => line.padEnd(149)).join("\n")}\n`;
};

const datagramLine = (socket: DatagramSocket): Line => ({
  family: socket.family,
  local: socket.localAddress,
  localPort: socket.localPort,
  remote: socket.remoteAddress,
  remotePort: socket.remotePort,
  state: socket.remoteAddress === null ? TCP_CLOSE : TCP_ESTABLISHED,
  sendQueue: 0,
  receiveQueue: socket.queuedBytes,
  uid: socket.uid,
  inode: socket.inode.ino,
  tail: ` 2 0000000000000000 ${socket.drops}`,
});

/** Those of UDP begin with one blank more than those of raw and ping sockets. */
const showDatagrams = (task: Task, family: number, sockets: Iterable<object>, indent = ""): string => {
  const lines: string[] = [];
  for (const socket of sockets) {
    if (socket instanceof DatagramSocket && socket.family === family) {
      // The slot is a hash of the port.
      lines.push(showLine(task, (socket.localPort + 1024) % 8192, datagramLine(socket)));
    }
  }
  if (family === AF_INET6) return `${[`${HEADING6} ref pointer drops`, ...lines].join("\n")}\n`;
  return `${[`${indent}${HEADING4} ref pointer drops`, ...lines].map((line) => line.padEnd(127)).join("\n")}\n`;
};

function* bindingsOf(table: Iterable<[number, object]>): Generator<object> {
  for (const [, binding] of table) yield binding;
}

/** SS_UNCONNECTED, SS_CONNECTED, and the flag of a listener (__SO_ACCEPTCON). */
const unixLine = (socket: UnixSocket): string => {
  const isListening = socket.isListening;
  const state = isListening || socket.state !== "connected" ? 1 : 3;
  const name = socket.name;
  let path = "";
  if (name !== null) {
    const text = Buffer.from(name.subarray(2)).toString("latin1");
    path = text.startsWith("\0") ? ` @${text.slice(1).replaceAll("\0", "@")}` : ` ${text.replace(/\0$/, "")}`;
  }
  const type = [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET].includes(socket.type) ? socket.type : 0;
  const references = isListening ? 2 : 3;
  return `0000000000000000: ${hex(references, 8)} 00000000 ${hex(isListening ? 0x10000 : 0, 8)} ${hex(type, 4)} ${hex(state, 2)} ${`${socket.inode.ino}`.padStart(5)}${path}`;
};

const showUnix = (task: Task): string =>
  `${["Num       RefCount Protocol Flags    Type St Inode Path", ...[...networkOf(task).unix.sockets].map(unixLine)].join("\n")}\n`;

const showDevices = (task: Task): string => {
  const heading =
    "Inter-|   Receive                                                |  Transmit\n" +
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";
  const counters = "       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n";
  return (
    heading +
    networkOf(task)
      .interfaces.map(({ name }) => `${name.padStart(6)}:${counters}`)
      .join("")
  );
};

const showAddresses6 = (task: Task): string => {
  let text = "";
  for (const device of networkOf(task).interfaces) {
    for (const { address, prefixLength } of device.addresses) {
      if (address.isV4) continue;
      const bytes = [address.a, address.b, address.c, address.d].map((word) => hex(word, 8).toLowerCase()).join("");
      const scope = address.isLoopback ? 0x10 : 0;
      const fields = [device.index, prefixLength, scope, 0x80].map((value) => hex(value, 2).toLowerCase()).join(" ");
      text += `${bytes} ${fields} ${device.name.padStart(8)}\n`;
    }
  }
  return text;
};

const showRoutes6 = (): string => {
  const zero = "0".repeat(32);
  const loopback = `${"0".repeat(31)}1`;
  const unreachable = `${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo\n`;
  return `${unreachable}${loopback} 80 ${zero} 00 ${zero} 00000000 00000002 00000000 80200001       lo\n${unreachable}`;
};

const count = (sockets: Iterable<object>, family: number, wanted: (socket: InetSocket) => boolean): number => {
  let total = 0;
  for (const one of sockets) {
    const socket = one as InetSocket;
    if (!(one instanceof TimeWait) && socket.family === family && wanted(socket)) total++;
  }
  return total;
};

const isOfIpv4 = ({ group }: JoinedGroup): boolean => group.isV4;

/** igmp_mc_seq_show(): no query of another host is ever due. */
const showIgmp = (task: Task): string => {
  const net = networkOf(task);
  let text = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n";
  for (const device of net.interfaces) {
    // The kernel leaves the group of all hosts when the device goes down.
    const own = (device.flags & IFF_UP) === 0 ? 1 : 0;
    let groups = "";
    let total = 0;
    for (const { group, users, interfaceIndex } of net.groups.joined.filter(isOfIpv4)) {
      const shown = users - (group.equals(ALL_HOSTS4) ? own : 0);
      if (interfaceIndex !== device.index || shown === 0) continue;
      groups += `\t\t\t\t${hex(swap(group.v4), 8)} ${`${shown}`.padStart(5)} 0:00000000\t\t0\n`;
      total++;
    }
    if (total > 0) text += `${device.index}\t${device.name.padEnd(10)}: ${`${total}`.padStart(5)} ${"V3".padStart(7)}\n${groups}`;
  }
  return text;
};

const MAF_LOADED = 4;
const MAF_NOREPORT = 8;
const LINK_LOCAL_SCOPE = 2;

/** igmp6_mc_seq_show() */
const showIgmp6 = (task: Task): string => {
  const net = networkOf(task);
  let text = "";
  for (const { group, users, interfaceIndex } of net.groups.joined) {
    const device = net.interfaceByIndex(interfaceIndex);
    if (group.isV4 || device === null) continue;
    const scope = (group.a >>> 16) & 0xf;
    const isAllNodes = scope === LINK_LOCAL_SCOPE && group.d === 1 && group.b === 0 && group.c === 0;
    const flags = (scope >= LINK_LOCAL_SCOPE ? MAF_LOADED : 0) | (scope < LINK_LOCAL_SCOPE || isAllNodes ? MAF_NOREPORT : 0);
    const bytes = [group.a, group.b, group.c, group.d].map((word) => hex(word, 8).toLowerCase()).join("");
    text += `${`${interfaceIndex}`.padEnd(4)} ${device.name.padEnd(15)} ${bytes} ${`${users}`.padStart(5)} ${hex(flags, 8)} 0\n`;
  }
  return text;
};

const showSockstat = (task: Task): string => {
  const net = networkOf(task);
  const inUse = (socket: InetSocket): boolean => !(socket instanceof TcpSocket) || socket.state !== TCP_CLOSE;
  const tcp = count(bindingsOf(net.tcp.entries()), AF_INET, inUse);
  const udp = count(bindingsOf(net.udp.entries()), AF_INET, (socket) => socket.protocol === IPPROTO_UDP);
  const lite = count(bindingsOf(net.udplite.entries()), AF_INET, () => true);
  const tcp6 = count(bindingsOf(net.tcp.entries()), AF_INET6, () => true);
  let waiting = 0;
  for (const [, binding] of net.tcp.entries()) if (binding instanceof TimeWait) waiting++;
  return `sockets: used ${net.socketsUsed}\nTCP: inuse ${tcp} orphan 0 tw ${waiting} alloc ${tcp + tcp6} mem 0\nUDP: inuse ${udp} mem 0\nUDPLITE: inuse ${lite}\nRAW: inuse ${count(net.raw, AF_INET, () => true)}\nFRAG: inuse 0 memory 0\n`;
};

const showSockstat6 = (task: Task): string => {
  const net = networkOf(task);
  const tcp = count(bindingsOf(net.tcp.entries()), AF_INET6, (socket) => (socket as TcpSocket).state !== TCP_CLOSE);
  const udp = count(bindingsOf(net.udp.entries()), AF_INET6, () => true);
  return `TCP6: inuse ${tcp}\nUDP6: inuse ${udp}\nUDPLITE6: inuse ${count(bindingsOf(net.udplite.entries()), AF_INET6, () => true)}\nRAW6: inuse ${count(net.raw, AF_INET6, () => true)}\nFRAG6: inuse 0 memory 0\n`;
};

const showNetlink = (task: Task): string => {
  let text = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n";
  for (const socket of networkOf(task).netlink.sockets()) {
    const fields = [`${socket.protocol}`.padEnd(3), `${socket.portId}`.padEnd(10), hex(socket.groups, 8).toLowerCase()];
    text += `0000000000000000 ${fields.join(" ")} ${`${socket.queuedBytes}`.padEnd(8)} 0        0        2        0        ${`${socket.inode.ino}`.padEnd(8)}\n`;
  }
  return text;
};

/** Counters that nobody counts here: the names, and as many zeros. */
const counters = (prefix: string, names: string, values?: string): string =>
  `${prefix}: ${names}\n${prefix}: ${values ?? names.replace(/\S+/g, "0")}\n`;

/** Connections that are open, or whose peer alone has closed (tcp_current_estab). */
const isOpen = (socket: InetSocket): boolean =>
  socket instanceof TcpSocket && (socket.state === TCP_ESTABLISHED || socket.state === TCP_CLOSE_WAIT);

const countOpen = (net: NetworkNamespace): number =>
  count(bindingsOf(net.tcp.entries()), AF_INET, isOpen) + count(bindingsOf(net.tcp.entries()), AF_INET6, isOpen);

const showSnmp = (task: Task): string =>
  counters(
    "Ip",
    "Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits",
    "2 64 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
  ) +
  counters(
    "Icmp",
    "InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps",
  ) +
  counters(
    "Tcp",
    "RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors",
    `1 200 120000 -1 0 0 0 0 ${countOpen(networkOf(task))} 0 0 0 0 0 0`,
  ) +
  counters("Udp", "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors") +
  counters("UdpLite", "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors");

const showNetstat = (): string =>
  counters("TcpExt", "SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled TW ListenOverflows ListenDrops") +
  counters("IpExt", "InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts InBcastPkts OutBcastPkts InOctets OutOctets");

/** NAME → the text of /proc/net/NAME. */
export const procNetFiles: ReadonlyMap<string, (task: Task) => string> = new Map<string, (task: Task) => string>([
  ["tcp", (task) => showTcp(task, AF_INET)],
  ["tcp6", (task) => showTcp(task, AF_INET6)],
  ["udp", (task) => showDatagrams(task, AF_INET, bindingsOf(networkOf(task).udp.entries()), " ")],
  ["udp6", (task) => showDatagrams(task, AF_INET6, bindingsOf(networkOf(task).udp.entries()))],
  ["udplite", (task) => showDatagrams(task, AF_INET, bindingsOf(networkOf(task).udplite.entries()), " ")],
  ["udplite6", (task) => showDatagrams(task, AF_INET6, bindingsOf(networkOf(task).udplite.entries()))],
  ["igmp", showIgmp],
  ["igmp6", showIgmp6],
  ["raw", (task) => showDatagrams(task, AF_INET, networkOf(task).raw)],
  ["raw6", (task) => showDatagrams(task, AF_INET6, networkOf(task).raw)],
  ["icmp", (task) => showDatagrams(task, AF_INET, bindingsOf(networkOf(task).ping.entries()))],
  ["icmp6", (task) => showDatagrams(task, AF_INET6, bindingsOf(networkOf(task).ping.entries()))],
  ["unix", showUnix],
  ["dev", showDevices],
  ["if_inet6", showAddresses6],
  ["ipv6_route", showRoutes6],
  ["sockstat", showSockstat],
  ["sockstat6", showSockstat6],
  ["netlink", showNetlink],
  ["snmp", showSnmp],
  ["netstat", showNetstat],
]);
