/** raw(7): packets of one IP protocol, with their IP header when they are received (IPv4). */

import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import { AF_INET, AF_INET6, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_RAW } from "../../../syscall-tables/flags/socket.ts";
import { SOL_ICMPV6, SOL_IPV6, SOL_RAW } from "../../../syscall-tables/flags/socket-options.ts";
import { EINVAL, ENOPROTOOPT, EOPNOTSUPP } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { int32At, int32Bytes } from "../control.ts";
import { wirePacket } from "../filter/filter-packet.ts";
import type { OptionValue, SocketOptions } from "../socket.ts";
import type { IpAddress } from "./address.ts";
import { type Datagram, type QueuedDatagram, withPorts } from "./datagram.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import { ICMP_CHECKSUM_AT, sealOverIpv6 } from "./icmp.ts";
import type { SendOverrides } from "./inet-control.ts";

const IP_HEADER = 20;
const ICMP_FILTER = 1;
const ICMP6_FILTER = 1;

export class RawSocket extends DatagramSocket {
  /** ICMP_FILTER, ICMP6_FILTER: types that are not wanted, by bit. */
  #filter: Uint8Array;
  /** IPV6_CHECKSUM: where the kernel stores the checksum, -1: nowhere. */
  #checksumAt: number;

  constructor(options: SocketOptions) {
    super(options);
    const { protocol, net } = options;
    this.localPort = protocol;
    // INET_PROTOSW_REUSE
    this.settings.reuseAddress = true;
    this.#filter = new Uint8Array(protocol === IPPROTO_ICMPV6 ? 32 : 4);
    this.#checksumAt = protocol === IPPROTO_ICMPV6 ? ICMP_CHECKSUM_AT : -1;
    if (protocol === IPPROTO_RAW) this.ip.v4.set(IP.IP_HDRINCL, 1);
    else net.raw.add(this);
  }

  get #hasHeader(): boolean {
    return this.ip.v4.get(IP.IP_HDRINCL) === 1;
  }

  protected override headerLength(address: IpAddress): number {
    return address.isV4 && !this.#hasHeader ? IP_HEADER : 0;
  }

  override get table(): null {
    return null;
  }

  protected override get isBindable(): boolean {
    return true;
  }

  override takePort(_wanted: number, _isBind: boolean): number {
    return 0;
  }

  override dropPort(): void {}

  protected override transmit(
    data: Uint8Array,
    source: IpAddress,
    destination: { address: IpAddress; port: number },
    overrides: SendOverrides,
  ): number {
    if (this.#hasHeader && destination.address.isV4) return this.#transmitPacket(data, source, destination.address);
    if (this.family === AF_INET6 && this.#checksumAt >= 0) {
      if (this.#checksumAt + 2 > data.length) return EINVAL;
      sealOverIpv6(data, this.#checksumAt, this.protocol, source, destination.address);
    }
    this.#deliver({ data, protocol: this.protocol, ...overrides, source, destination: destination.address });
    return 0;
  }

  /** IP_HDRINCL: the program has written the header. */
  #transmitPacket(data: Uint8Array, source: IpAddress, destination: IpAddress): number {
    if (data.length < IP_HEADER) return EINVAL;
    const headerLength = (data[0] & 0xf) * 4;
    if (headerLength < IP_HEADER || headerLength > data.length) return EINVAL;
    this.#deliver({ data: data.slice(headerLength), protocol: data[9], source, destination, ttl: data[8], tos: data[1] });
    return 0;
  }

  /** Nobody tells a raw socket that the port it wrote is closed, unless it is connected and asked (raw_err). */
  #deliver(packet: Pick<Datagram, "data" | "protocol" | "source" | "destination" | "ttl" | "tos">): void {
    const { data, protocol, source, destination, ttl, tos } = packet;
    const plain = { data, protocol, source, destination, ttl, tos, sourcePort: 0, destinationPort: 0, interfaceIndex: 1, coverage: 0 };
    this.net.transport.deliver(this, withPorts(plain));
  }

  /** The packet from the IPv4 header on, or behind that of IPv6. */
  protected override visible(datagram: QueuedDatagram): Uint8Array {
    const { bytes, dataAt } = wirePacket(datagram, datagram.destination.isV4 ? "network" : "transport");
    return bytes.subarray(dataAt);
  }

  /** The filter begins where the program's view begins: at the IPv4 header, or behind that of IPv6. */
  protected override filtered(datagram: Datagram): number {
    const { filter } = this.settings;
    if (filter === null) return Number.POSITIVE_INFINITY;
    return filter.run(wirePacket(datagram, datagram.destination.isV4 ? "network" : "transport")) || -1;
  }

  override enqueue(datagram: Datagram): void {
    const type = datagram.data.length > 0 ? datagram.data[0] : 0;
    if (isIcmp(datagram.protocol) && type >> 3 < this.#filter.length && ((this.#filter[type >> 3] >> (type & 7)) & 1) !== 0) return;
    super.enqueue(datagram);
  }

  protected override protocolOption(task: Task, level: number, name: number, length: number): OptionValue {
    if (level === SOL_RAW && this.family === AF_INET) return name === ICMP_FILTER ? this.#filter.slice() : ENOPROTOOPT;
    if (level === SOL_ICMPV6 && this.family === AF_INET6) {
      if (this.protocol !== IPPROTO_ICMPV6) return EOPNOTSUPP;
      return name === ICMP6_FILTER ? this.#filter.slice() : ENOPROTOOPT;
    }
    return super.protocolOption(task, level, name, length);
  }

  override getOption(task: Task, level: number, name: number, length: number): OptionValue {
    if ((level === SOL_IPV6 || level === SOL_RAW) && this.family === AF_INET6 && name === IP.IPV6_CHECKSUM)
      return int32Bytes(this.#checksumAt);
    return super.getOption(task, level, name, length);
  }

  override setOption(task: Task, level: number, name: number, value: Uint8Array): number {
    if (this.family === AF_INET) {
      if (level !== SOL_RAW) return super.setOption(task, level, name, value);
      if (name !== ICMP_FILTER) return ENOPROTOOPT;
      return this.#setFilter(value);
    }
    if ((level === SOL_IPV6 || level === SOL_RAW) && name === IP.IPV6_CHECKSUM) return this.#setChecksum(level, value);
    if (level !== SOL_ICMPV6) return super.setOption(task, level, name, value);
    if (this.protocol !== IPPROTO_ICMPV6) return EOPNOTSUPP;
    return name === ICMP6_FILTER ? this.#setFilter(value) : ENOPROTOOPT;
  }

  #setFilter(value: Uint8Array): number {
    this.#filter.set(value.subarray(0, this.#filter.length));
    return 0;
  }

  /** do_rawv6_setsockopt(): that of ICMPv6 stands fast. */
  #setChecksum(level: number, value: Uint8Array): number {
    if (value.length < 4 || (this.protocol === IPPROTO_ICMPV6 && level === SOL_IPV6)) return EINVAL;
    const offset = int32At(value, 0);
    if (offset > 0 && (offset & 1) !== 0) return EINVAL;
    this.#checksumAt = Math.max(-1, offset);
    return 0;
  }

  protected override close(): void {
    this.net.raw.delete(this);
    super.close();
  }
}

const isIcmp = (protocol: number): boolean => protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6;
