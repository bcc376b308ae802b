/** Echo sockets: SOCK_DGRAM with IPPROTO_ICMP or IPPROTO_ICMPV6 (icmp(7), net/ipv4/ping.c). */
import { IPPROTO_ICMP } from "../../../syscall-tables/flags/socket.ts";
import { EINVAL, ENOTTY, type Errno, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";
import type { SendMessage } from "../message.ts";
import type { SocketOptions } from "../socket.ts";
import type { IpAddress } from "./address.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import { ICMP_ECHO, ICMP_HEADER, ICMPV6_ECHO_REQUEST, sealIcmp } from "./icmp.ts";
import type { SendOverrides } from "./inet-control.ts";
import type { PortTable } from "./port-table.ts";

export class PingSocket extends DatagramSocket {
  constructor(options: SocketOptions) {
    super(options);
    // INET_PROTOSW_REUSE: several may have one identifier, and the latest gets the answers.
    this.settings.reuseAddress = true;
  }

  override get table(): PortTable {
    return this.net.ping;
  }

  /** ping_check_bind_addr() */
  protected override mayBindTo(address: IpAddress): boolean {
    return !address.isMulticast && !address.isBroadcast && super.mayBindTo(address);
  }

  protected override readBindAddress(bytes: Uint8Array): IpAddress | Errno {
    const address = super.readBindAddress(bytes);
    return !isErrno(address) && address.isMulticast && !address.isV4 ? EINVAL : address;
  }

  override inputQueue(): number {
    return ENOTTY;
  }

  override outputQueue(): number {
    return ENOTTY;
  }

  override send(task: Task, message: SendMessage, io: Io): number {
    return io.remaining < ICMP_HEADER ? EINVAL : super.send(task, message, io);
  }

  /** The kernel writes identifier and checksum; the "port" of the destination means nothing. */
  protected override transmit(
    data: Uint8Array,
    source: IpAddress,
    destination: { address: IpAddress; port: number },
    overrides: SendOverrides,
  ): number {
    if (data[0] !== (this.protocol === IPPROTO_ICMP ? ICMP_ECHO : ICMPV6_ECHO_REQUEST) || data[1] !== 0) return EINVAL;
    data[4] = this.localPort >>> 8;
    data[5] = this.localPort;
    sealIcmp(data, this.protocol, source, destination.address);
    return super.transmit(data, source, { address: destination.address, port: 0 }, overrides);
  }
}
