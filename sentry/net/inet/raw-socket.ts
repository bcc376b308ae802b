/** raw(7): packets of one IP protocol, with their IP header when they are received (IPv4). */

import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import { IPPROTO_ICMPV6, IPPROTO_RAW } from "../../../syscall-tables/flags/socket.ts";
import { SOL_ICMPV6, SOL_IPV6, SOL_RAW } from "../../../syscall-tables/flags/socket-options.ts";
import { EINVAL, ENOPROTOOPT } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { int32At } from "../control.ts";
import { wirePacket } from "../filter/filter-packet.ts";
import type { OptionValue, SocketOptions } from "../socket.ts";
import type { IpAddress } from "./address.ts";
import { type Datagram, isUdpLike, type QueuedDatagram, withPorts } from "./datagram.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import { sealIcmp } from "./icmp.ts";
import type { SendOverrides } from "./inet-control.ts";

const IP_HEADER = 20;
const IP6_HEADER = 40;
const ICMP_FILTER = 1;

export class RawSocket extends DatagramSocket {
  /** ICMP_FILTER: types that are not wanted, by bit. */
  #filter = new Uint8Array(4);

  constructor(options: SocketOptions) {
    super(options);
    this.localPort = options.protocol;
    if (options.protocol !== IPPROTO_RAW) options.net.raw.add(this);
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
    const hasHeader = this.protocol === IPPROTO_RAW || this.ip.v4.get(IP.IP_HDRINCL) === 1;
    if (hasHeader && destination.address.isV4) {
      if (data.length < IP_HEADER) return EINVAL;
      const headerLength = (data[0] & 0xf) * 4;
      if (headerLength < IP_HEADER || headerLength > data.length) return EINVAL;
      const packet = withPorts({
        data: data.slice(headerLength),
        protocol: data[9],
        source,
        sourcePort: 0,
        destination: destination.address,
        destinationPort: 0,
        ttl: data[8],
        tos: data[1],
        interfaceIndex: 1,
        coverage: 0,
      });
      this.net.transport.deliver(this, packet);
      return 0;
    }
    if (this.protocol === IPPROTO_ICMPV6) sealIcmp(data, this.protocol, source, destination.address);
    if (isUdpLike(this.protocol)) {
      const { ttl, tos } = overrides;
      const plain = { data, protocol: this.protocol, source, sourcePort: 0, destination: destination.address, destinationPort: 0 };
      this.net.transport.deliver(this, withPorts({ ...plain, ttl, tos, interfaceIndex: 1, coverage: 0 }));
      return 0;
    }
    return super.transmit(data, source, { address: destination.address, port: 0 }, overrides);
  }

  /** IPv4 sockets see the header; a UDP header is everybody's to see. */
  protected override visible(datagram: QueuedDatagram): Uint8Array {
    const { isV4 } = datagram.destination;
    if (!isV4 && !isUdpLike(datagram.protocol)) return datagram.data;
    const { bytes, networkAt } = wirePacket(datagram, "network");
    return bytes.subarray(isV4 ? networkAt : networkAt + IP6_HEADER);
  }

  /** The filter begins where the program's view begins: at the IPv4 header, or behind that of IPv6. */
  protected override filtered(datagram: Datagram): number {
    const { filter } = this.settings;
    if (filter === null) return Number.POSITIVE_INFINITY;
    return filter.run(wirePacket(datagram, datagram.destination.isV4 ? "network" : "transport")) || -1;
  }

  override enqueue(datagram: Datagram): void {
    const type = datagram.data.length > 0 ? datagram.data[0] : 0;
    if (type < 32 && datagram.protocol === 1 && ((this.#filter[type >> 3] >> (type & 7)) & 1) !== 0) return;
    super.enqueue(datagram);
  }

  protected override protocolOption(task: Task, level: number, name: number, length: number): OptionValue {
    if (level === SOL_RAW) return name === ICMP_FILTER ? this.#filter.slice() : ENOPROTOOPT;
    return super.protocolOption(task, level, name, length);
  }

  override setOption(task: Task, level: number, name: number, value: Uint8Array): number {
    if (level === SOL_RAW) {
      if (name !== ICMP_FILTER) return ENOPROTOOPT;
      this.#filter = new Uint8Array(4);
      this.#filter.set(value.subarray(0, 4));
      return 0;
    }
    // The kernel always does the checksum of ICMPv6 itself.
    if (level === SOL_IPV6 && name === IP.IPV6_CHECKSUM) return value.length >= 4 && (int32At(value, 0) & 1) === 0 ? 0 : EINVAL;
    if (level === SOL_ICMPV6) return name === 1 ? 0 : ENOPROTOOPT;
    return super.setOption(task, level, name, value);
  }

  protected override close(): void {
    this.net.raw.delete(this);
    super.close();
  }
}
