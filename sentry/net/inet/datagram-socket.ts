/** udp(7), and the part that ping and raw sockets share with it. */

import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import {
  AF_INET,
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_MORE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SHUT_RDWR,
} from "../../../syscall-tables/flags/socket.ts";
import { SOL_UDP, SOL_UDPLITE } from "../../../syscall-tables/flags/socket-options.ts";
import {
  EACCES,
  EAGAIN,
  ECONNREFUSED,
  EDESTADDRREQ,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  isErrno,
} from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";

import type { ControlMessage } from "../control.ts";
import { wirePacket } from "../filter/filter-packet.ts";
import type { ReceiveMessage, SendMessage } from "../message.ts";
import { type OptionValue, RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK } from "../socket.ts";
import { encodeSockaddr, familyOf, type IpAddress, portIn } from "./address.ts";
import { type Datagram, isUdpLike, type QueuedDatagram, truesize, UDP_HEADER } from "./datagram.ts";
import { type ErrorReport, putErrorReport } from "./error-queue.ts";
import { checkInetControl, checkSource, putInetControl, putStamps, type SendOverrides, sendOverrides } from "./inet-control.ts";
import { InetSocket } from "./inet-socket.ts";
import { leaveAllGroups } from "./memberships.ts";
import type { PortTable } from "./port-table.ts";
import { UdpOptions } from "./udp-options.ts";

const IN = POLLIN | POLLRDNORM;
const OUT = POLLOUT | POLLWRNORM | POLLWRBAND;
const MAX_LENGTH = 0xffff;
/** UDP and IP headers: what a datagram of 65535 bytes has left. */
const HEADERS_V4 = 28;
const HEADERS_V6 = 8;
/** UDP_MAX_SEGMENTS */
const MAX_SEGMENTS = 128;

/** Where a send goes. */
interface Destination {
  readonly address: IpAddress;
  readonly port: number;
}

/** Data that MSG_MORE or UDP_CORK holds back. */
interface Corked {
  readonly destination: Destination;
  readonly overrides: SendOverrides;
  readonly parts: Uint8Array[];
  length: number;
}

export class DatagramSocket extends InetSocket {
  readonly received: QueuedDatagram[] = [];
  readonly #errors: ErrorReport[] = [];
  /** Bytes of `received`, with overhead: limited by SO_RCVBUF. */
  #charged = 0;
  /** Datagrams that found no room (/proc/net/udp). */
  drops = 0;
  #corked: Corked | null = null;
  readonly #udp = new UdpOptions();

  override get table(): PortTable | null {
    return this.net.udp;
  }

  override get isListening(): boolean {
    return false;
  }

  override connect(_task: Task, bytes: Uint8Array, _isNonblocking: boolean): number {
    if (bytes.length < 2) return EINVAL;
    if (familyOf(bytes) === AF_UNSPEC) return this.#disconnect();
    const address = this.readDestination(bytes, this.family !== AF_INET);
    if (isErrno(address)) return address;
    const source = this.sourceFor(address);
    if (isErrno(source)) return source;
    if (address.isBroadcast && !this.settings.isBroadcast) return EACCES;
    const before = this.localAddress;
    this.localAddress = source;
    const error = this.autobind();
    if (error < 0) {
      this.localAddress = before;
      return error;
    }
    this.remoteAddress = address;
    this.remotePort = portIn(bytes);
    return 0;
  }

  #disconnect(): number {
    this.remoteAddress = null;
    this.remotePort = 0;
    if (!this.hasOwnAddress) this.localAddress = this.any;
    if (!this.hasOwnPort) this.dropPort();
    return 0;
  }

  override prepareControl(_task: Task, message: SendMessage, control: ControlMessage[]): number {
    return checkInetControl(this, message, control);
  }

  /** The address of the call or of connect(2); null: there is none. */
  protected destinationOf(message: SendMessage): Destination | number {
    if (message.address === null) {
      return this.remoteAddress === null ? EDESTADDRREQ : { address: this.remoteAddress, port: this.remotePort };
    }
    const address = this.readDestination(message.address, true);
    if (isErrno(address)) return address;
    const port = portIn(message.address);
    return port === 0 && this.table !== null && isUdpLike(this.protocol) ? EINVAL : { address, port };
  }

  override send(_task: Task, message: SendMessage, io: Io): number {
    const length = io.remaining;
    if (length > MAX_LENGTH) return EMSGSIZE;
    if ((message.flags & MSG_OOB) !== 0) return EOPNOTSUPP;
    const corked = this.#corked;
    const destination = corked !== null ? corked.destination : this.destinationOf(message);
    if (typeof destination === "number") return destination;
    if ((this.shutdownMask & SEND_SHUTDOWN) !== 0) return EPIPE;
    if (this.error !== 0) return this.takeError();
    const { address } = destination;
    const isMulticast = address.isMulticast;
    const ttl = address.isV4 ? (isMulticast ? this.ip.multicastTtl : this.ip.ttl) : this.ip.hopLimit;
    const overrides = corked?.overrides ?? sendOverrides(this, message.control, ttl, address.isV4 ? this.ip.tos : this.ip.trafficClass);
    if (typeof overrides === "number") return overrides;
    const source = overrides.source ?? this.#sourceOf(address, overrides.interfaceIndex);
    if (typeof source === "number") return source;
    const error = overrides.source === null ? 0 : checkSource(this, overrides.source, overrides.interfaceIndex, address);
    if (error < 0) return error;
    if ((address.isBroadcast || address.isSubnetBroadcast) && !this.settings.isBroadcast) return EACCES;
    if (length > MAX_LENGTH - this.headerLength(address)) return EMSGSIZE;
    if (this.autobind() < 0) return EAGAIN;
    let data = new Uint8Array(length);
    if (length > 0 && io.take(data, 0, length) !== length) return EFAULT;
    if (corked !== null || (message.flags & MSG_MORE) !== 0 || this.#udp.isCorked) {
      const whole = this.#hold(destination, overrides, data, (message.flags & MSG_MORE) !== 0 || this.#udp.isCorked);
      if (whole === null) return length;
      data = whole;
    }
    return this.#transmit(data, source, destination, overrides, this.#segmentSize(message)) || length;
  }

  /** What comes before the data in a packet, whose length has 16 bits: IPv6 counts without its own header. */
  protected headerLength(address: IpAddress): number {
    return address.isV4 ? HEADERS_V4 : HEADERS_V6;
  }

  #sourceOf(address: IpAddress, interfaceIndex: number): IpAddress | number {
    if (interfaceIndex === 0 || !address.isMulticast) return this.sourceFor(address);
    return this.net.transport.route(address, interfaceIndex);
  }

  /** Adds to the corked datagram: all of it when it is to go, null while it waits. */
  #hold(destination: Destination, overrides: SendOverrides, data: Uint8Array, isMore: boolean): Uint8Array<ArrayBuffer> | null {
    this.#corked ??= { destination, overrides, parts: [], length: 0 };
    const corked = this.#corked;
    corked.parts.push(data);
    corked.length += data.length;
    if (isMore && corked.length < MAX_LENGTH - HEADERS_V4) return null;
    this.#corked = null;
    const whole = new Uint8Array(corked.length);
    let at = 0;
    for (const part of corked.parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** UDP_SEGMENT, as option or control message; 0: none. */
  #segmentSize(message: SendMessage): number {
    for (const one of message.control ?? []) {
      if (one.level === SOL_UDP && one.type === IP.UDP_SEGMENT && one.data.length === 2) return one.data[0] | (one.data[1] << 8);
    }
    return this.#udp.get(IP.UDP_SEGMENT);
  }

  #transmit(data: Uint8Array, source: IpAddress, destination: Destination, overrides: SendOverrides, segment: number): number {
    if (segment === 0 || data.length <= segment) return this.transmit(data, source, destination, overrides);
    if (data.length > segment * MAX_SEGMENTS) return EINVAL;
    for (let at = 0; at < data.length; at += segment) this.transmit(data.slice(at, at + segment), source, destination, overrides);
    return 0;
  }

  /** Hands one packet to the transport. 0 or an errno. */
  protected transmit(data: Uint8Array, source: IpAddress, destination: Destination, overrides: SendOverrides): number {
    const datagram: Datagram = {
      data,
      protocol: this.protocol,
      source,
      sourcePort: this.localPort,
      destination: destination.address,
      destinationPort: destination.port,
      ttl: overrides.ttl,
      tos: overrides.tos,
      interfaceIndex: 1,
      coverage: this.coverageOf(data.length),
    };
    if (this.net.transport.deliver(this, datagram) === ECONNREFUSED) this.onRefused(datagram);
    return 0;
  }

  /** How much of a datagram with `length` bytes of data is covered by its checksum (Datagram.coverage). */
  protected coverageOf(_length: number): number {
    return 0;
  }

  /** An ICMP "port unreachable" has come back. Unconnected sockets hear of it only if they asked (IP_RECVERR). */
  protected onRefused(datagram: Datagram): void {
    const { wantsErrors } = this.ip;
    if (this.remoteAddress === null && !wantsErrors) return;
    // __udp4_lib_err() looks for the socket by both ends: one that is connected elsewhere is not found.
    if (this.remoteAddress !== null && !this.#isPeer(datagram)) return;
    if (wantsErrors) this.#errors.push({ errno: ECONNREFUSED, datagram });
    this.error = ECONNREFUSED;
    this.queue.notify(IN | POLLERR);
  }

  #isPeer({ destination, destinationPort }: Datagram): boolean {
    return this.remotePort === destinationPort && this.remoteAddress?.equals(destination) === true;
  }

  /** A datagram has come; it is lost when the buffer is full. */
  enqueue(datagram: Datagram): void {
    if (this.isReleased) return;
    const kept = this.filtered(datagram);
    if (kept < 0) {
      this.drops++;
      return;
    }
    const size = truesize(datagram.data.length);
    if (this.#charged > 0 && this.#charged + size > this.settings.receiveBuffer) {
      this.drops++;
      return;
    }
    this.#charged += size;
    let sec = 0;
    let nsec = 0;
    if (this.settings.wantsStamps) {
      const { clock } = this.kernel;
      clock.readRealtime();
      sec = clock.sec;
      nsec = clock.nsec;
    }
    this.received.push({ ...datagram, truesize: size, sec, nsec, kept });
    this.queue.notify(IN);
  }

  /** What the socket's filter leaves of what the program would see; -1: nothing at all. A UDP header is never cut (udp_queue_rcv_one_skb). */
  protected filtered(datagram: Datagram): number {
    const { filter } = this.settings;
    if (filter === null) return Number.POSITIVE_INFINITY;
    const length = filter.run(wirePacket(datagram, "transport"));
    const header = isUdpLike(this.protocol) ? UDP_HEADER : 0;
    return length === 0 ? -1 : Math.max(header, length) - header;
  }

  override receive(_task: Task, message: ReceiveMessage, io: Io): number {
    message.isComplete = true;
    if ((message.flags & MSG_ERRQUEUE) !== 0) return this.#receiveError(message, io);
    if ((message.flags & MSG_OOB) !== 0) return EOPNOTSUPP;
    if (this.error !== 0) return this.takeError();
    const { received, settings } = this;
    const isPeek = (message.flags & MSG_PEEK) !== 0;
    const datagram = received.length > 0 ? received[0] : null;
    if (datagram === null) {
      // Only a call that would sleep looks at the shutdown (__skb_wait_for_more_packets).
      if ((message.flags & MSG_DONTWAIT) === 0 && (this.shutdownMask & RCV_SHUTDOWN) !== 0) return 0;
      return EAGAIN;
    }
    const data = this.#shown(datagram);
    const offset = isPeek && settings.peekOffset > 0 ? Math.min(settings.peekOffset, data.length) : 0;
    const left = data.length - offset;
    const length = Math.min(io.remaining, left);
    if (length > 0 && io.put(data, offset, length) !== length) {
      if (!isPeek) this.#drop();
      return EFAULT;
    }
    if (isPeek) {
      if (settings.peekOffset >= 0) settings.peekOffset += length;
    } else {
      this.#drop();
      if (settings.peekOffset > 0) settings.peekOffset = Math.max(0, settings.peekOffset - data.length);
    }
    message.address = encodeSockaddr(this.family, datagram.source, this.table === null ? 0 : datagram.sourcePort);
    if (settings.wantsStamps) putStamps(message, settings, this.kernel.clock, datagram);
    if (this.ip.wantsControl) putInetControl(this, message, datagram);
    if (length < left) message.outFlags |= MSG_TRUNC;
    return (message.flags & MSG_TRUNC) !== 0 ? left : length;
  }

  /** The bytes of a datagram as this kind of socket shows them. */
  protected visible(datagram: QueuedDatagram): Uint8Array {
    return datagram.data;
  }

  #shown(datagram: QueuedDatagram): Uint8Array {
    const data = this.visible(datagram);
    return datagram.kept < data.length ? data.subarray(0, datagram.kept) : data;
  }

  #drop(): void {
    const datagram = this.received.shift();
    if (datagram !== undefined) this.#charged -= datagram.truesize;
  }

  #receiveError(message: ReceiveMessage, io: Io): number {
    const report = this.#errors.shift();
    if (report === undefined) return EAGAIN;
    const { data } = report.datagram;
    const length = Math.min(io.remaining, data.length);
    if (length > 0) io.put(data, 0, length);
    message.address = encodeSockaddr(this.family, report.datagram.destination, report.datagram.destinationPort);
    message.outFlags |= MSG_ERRQUEUE | (length < data.length ? MSG_TRUNC : 0);
    putErrorReport(this.family, message, report);
    if (this.#errors.length > 0) this.error = this.#errors[0].errno;
    else this.error = 0;
    return length;
  }

  override shutdown(_task: Task, how: number): number {
    if (how < 0 || how > SHUT_RDWR) return EINVAL;
    this.shutdownMask |= how + 1;
    this.queue.notify(IN | OUT | POLLHUP | POLLRDHUP);
    return this.remoteAddress === null ? ENOTCONN : 0;
  }

  override readiness(): number {
    let events = OUT;
    const mask = this.shutdownMask;
    if (this.error !== 0 || this.#errors.length > 0) events |= POLLERR;
    if ((mask & RCV_SHUTDOWN) !== 0) events |= IN | POLLRDHUP;
    if (mask === SHUTDOWN_MASK) events |= POLLHUP;
    if (this.received.length > 0) events |= IN;
    return events;
  }

  /** FIONREAD: the length of the next datagram. */
  override inputQueue(): number {
    return this.received.length > 0 ? this.#shown(this.received[0]).length : 0;
  }

  override outputQueue(): number {
    return 0;
  }

  /** rmem in /proc/net/udp. */
  get queuedBytes(): number {
    return this.#charged;
  }

  /** The two levels are one (udp_setsockopt). */
  #isUdpLevel(level: number): boolean {
    return (level === SOL_UDP || level === SOL_UDPLITE) && isUdpLike(this.protocol);
  }

  protected override protocolOption(task: Task, level: number, name: number, length: number): OptionValue {
    if (!this.#isUdpLevel(level)) return super.protocolOption(task, level, name, length);
    return this.#udp.show(name);
  }

  protected override setProtocolOption(task: Task, level: number, name: number, value: Uint8Array): number {
    if (!this.#isUdpLevel(level)) return super.setProtocolOption(task, level, name, value);
    const error = this.#udp.change(name, value);
    if (error === 0 && name === IP.UDP_CORK && !this.#udp.isCorked) this.#uncork();
    return error;
  }

  #uncork(): void {
    const corked = this.#corked;
    if (corked === null) return;
    const data = this.#hold(corked.destination, corked.overrides, new Uint8Array(0), false);
    const source = this.sourceFor(corked.destination.address);
    if (data !== null && !isErrno(source)) this.#transmit(data, source, corked.destination, corked.overrides, 0);
  }

  protected override close(): void {
    this.received.length = 0;
    leaveAllGroups(this);
    this.dropPort();
  }
}
