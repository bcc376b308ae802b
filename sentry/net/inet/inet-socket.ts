/** What the sockets of AF_INET and AF_INET6 share: addresses, bind(2), options. */

import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import { AF_INET, AF_INET6, AF_UNSPEC, SOCK_STREAM } from "../../../syscall-tables/flags/socket.ts";
import { SOL_IP, SOL_IPV6 } from "../../../syscall-tables/flags/socket-options.ts";
import { CAP_NET_BIND_SERVICE } from "../../../syscall-tables/flags/system.ts";

import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EINVAL,
  ENETUNREACH,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  type Errno,
  isErrno,
} from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { type OptionValue, Socket, type SocketOptions } from "../socket.ts";
import {
  ANY4,
  ANY6,
  encodeSockaddr,
  familyOf,
  type IpAddress,
  LOOPBACK4,
  LOOPBACK6,
  portIn,
  SOCKADDR_IN_SIZE,
  SOCKADDR_IN6_SHORT,
  scopeIn,
  v4In,
  v6In,
} from "./address.ts";
import { getIpOption, setIpOption } from "./ip-options.ts";
import { IpSettings } from "./ip-settings.ts";
import { getIpv6Option, setIpv6Option } from "./ipv6-options.ts";
import type { Binding, PortTable } from "./port-table.ts";

export abstract class InetSocket extends Socket implements Binding {
  localAddress: IpAddress;
  /** 0: not bound. */
  localPort = 0;
  remoteAddress: IpAddress | null = null;
  remotePort = 0;
  isV6Only: boolean;
  /** The caller of bind(2) chose the address, the port (SOCK_BINDADDR_LOCK, SOCK_BINDPORT_LOCK). */
  hasOwnAddress = false;
  hasOwnPort = false;
  readonly uid: number;
  readonly ip = new IpSettings();

  constructor(options: SocketOptions) {
    super(options);
    this.localAddress = options.family === AF_INET ? ANY4 : ANY6;
    this.isV6Only = options.family === AF_INET6 && options.net.isIpv6Only;
    this.uid = options.uid;
  }

  get reuseAddress(): boolean {
    return this.settings.reuseAddress;
  }
  get reusePort(): boolean {
    return this.settings.reusePort;
  }
  get interfaceIndex(): number {
    return this.settings.interfaceIndex;
  }
  get isConnectOnly(): boolean {
    return !this.hasOwnPort;
  }

  /** The ports of this protocol; null for raw sockets. */
  abstract get table(): PortTable | null;

  /** May bind(2) be called in this state? */
  protected get isBindable(): boolean {
    return this.localPort === 0;
  }

  get any(): IpAddress {
    return this.family === AF_INET ? ANY4 : ANY6;
  }

  /** The address in a sockaddr for bind(2), or an errno. */
  protected readBindAddress(bytes: Uint8Array): IpAddress | Errno {
    const family = bytes.length >= 2 ? familyOf(bytes) : AF_UNSPEC;
    if (this.family === AF_INET) {
      if (bytes.length < SOCKADDR_IN_SIZE) return EINVAL;
      const address = v4In(bytes, 4);
      // Old programs forget the family of the wildcard.
      return family === AF_INET || (family === AF_UNSPEC && address.isAny) ? address : EAFNOSUPPORT;
    }
    if (bytes.length < SOCKADDR_IN6_SHORT) return EINVAL;
    if (family !== AF_INET6) return EAFNOSUPPORT;
    const address = v6In(bytes, 8);
    if (address.isMulticast && !address.isV4 && this.type === SOCK_STREAM) return EINVAL;
    if (address.isV4 && this.isV6Only) return EINVAL;
    if ((address.isLinkLocal || address.isLinkMulticast) && scopeIn(bytes) === 0 && this.interfaceIndex === 0) return EINVAL;
    return address;
  }

  protected mayBindTo(address: IpAddress): boolean {
    if (address.isAny || address.isMulticast || address.isBroadcast) return true;
    if (this.ip.v4.get(IP.IP_FREEBIND) === 1 || this.ip.v4.get(IP.IP_TRANSPARENT) === 1) return true;
    return this.net.transport.isLocal(address);
  }

  override bind(task: Task, bytes: Uint8Array): number {
    const address = this.readBindAddress(bytes);
    if (isErrno(address)) return address;
    if (!this.mayBindTo(address)) return EADDRNOTAVAIL;
    const port = portIn(bytes);
    const { net } = this;
    if (port !== 0 && port < net.unprivilegedPortStart && this.table !== null) {
      if (!task.creds.hasIn(net.userNamespace, CAP_NET_BIND_SERVICE)) return EACCES;
    }
    if (!this.isBindable) return EINVAL;
    this.localAddress = address;
    if (port !== 0 || this.ip.v4.get(IP.IP_BIND_ADDRESS_NO_PORT) !== 1) {
      const error = this.takePort(port, true);
      if (error < 0) {
        this.localAddress = this.any;
        return error;
      }
    }
    // __inet6_bind(): an address of IPv6 meets no packet of IPv4.
    if (this.family === AF_INET6 && !address.isAny && !address.isV4) this.isV6Only = true;
    this.hasOwnAddress = !address.isAny;
    this.hasOwnPort = port !== 0;
    return 0;
  }

  /** Registers a port (0: any free one) for `localAddress`. 0 or EADDRINUSE. */
  takePort(wanted: number, isBind: boolean): number {
    const { table, net } = this;
    if (table === null) {
      this.localPort = wanted;
      return 0;
    }
    const now = this.kernel.clock.monotonicNs();
    let port = wanted;
    if (port === 0) {
      const size = net.portRangeLast - net.portRangeFirst + 1;
      port = table.pick(net.portRangeFirst, net.portRangeLast, net.random(size), isBind ? 1 : 0, (candidate) =>
        this.isPortFree(candidate, isBind, now),
      );
      if (port < 0) return port;
    } else if (table.conflicts(port, this, now)) return EADDRINUSE;
    this.localPort = port;
    table.add(port, this);
    return 0;
  }

  /** Is a port good enough to be picked by the kernel? */
  protected isPortFree(port: number, _isBind: boolean, nowNs: number): boolean {
    return !(this.table as PortTable).conflicts(port, this, nowNs);
  }

  dropPort(): void {
    if (this.localPort === 0) return;
    this.table?.remove(this.localPort, this);
    this.localPort = 0;
  }

  /** A socket that sends or listens without a port gets one (inet_autobind). */
  autobind(): number {
    return this.localPort !== 0 || this.table === null ? 0 : this.takePort(0, true);
  }

  /** The address in a sockaddr for connect(2) and sendto(2), or an errno. Wildcards mean this host. */
  readDestination(bytes: Uint8Array, mayBeUnspecified: boolean): IpAddress | Errno {
    const family = familyOf(bytes);
    if (this.family === AF_INET || (family === AF_INET && !this.isV6Only && mayBeUnspecified)) {
      if (bytes.length < SOCKADDR_IN_SIZE) return EINVAL;
      if (family !== AF_INET && !(family === AF_UNSPEC && mayBeUnspecified)) return EAFNOSUPPORT;
      const address = v4In(bytes, 4);
      return address.isAny ? LOOPBACK4 : address;
    }
    if (bytes.length < SOCKADDR_IN6_SHORT) return EINVAL;
    if (family !== AF_INET6) return EAFNOSUPPORT;
    const address = v6In(bytes, 8);
    if (address.isAny) return this.localAddress.isV4 || address.isV4 ? LOOPBACK4 : LOOPBACK6;
    if (address.isV4 && this.isV6Only) return ENETUNREACH;
    return address;
  }

  /** The source address for `destination`: the bound one, or the route's. */
  sourceFor(destination: IpAddress): IpAddress | Errno {
    const own = this.localAddress;
    if (!own.isAny && own.isV4 !== destination.isV4) return ENETUNREACH;
    const device = destination.isMulticast && this.ip.multicastInterface !== 0 ? this.ip.multicastInterface : this.interfaceIndex;
    const source = this.net.transport.route(destination, device);
    if (isErrno(source)) return source;
    if (own.isAny || own.isMulticast || own.isBroadcast) return source;
    return own;
  }

  override localName(): Uint8Array {
    return encodeSockaddr(this.family, this.localAddress, this.localPort);
  }

  override peerName(): Uint8Array | Errno {
    return this.remoteAddress === null || this.remotePort === 0
      ? ENOTCONN
      : encodeSockaddr(this.family, this.remoteAddress, this.remotePort);
  }

  override getOption(task: Task, level: number, name: number, length: number): OptionValue {
    if (level === SOL_IP) return getIpOption(this, name, length);
    if (level === SOL_IPV6 && this.family === AF_INET6) return getIpv6Option(this, name);
    return this.protocolOption(task, level, name, length);
  }

  override setOption(task: Task, level: number, name: number, value: Uint8Array): number {
    if (level === SOL_IP) return setIpOption(this, task, name, value);
    if (level === SOL_IPV6 && this.family === AF_INET6) return setIpv6Option(this, task, name, value);
    return this.setProtocolOption(task, level, name, value);
  }

  /** A level that is not the protocol's own: do_ip_getsockopt() and ipv6_getsockopt() word it differently. */
  protected protocolOption(_task: Task, _level: number, _name: number, _length: number): OptionValue {
    return this.family === AF_INET ? EOPNOTSUPP : ENOPROTOOPT;
  }

  protected setProtocolOption(_task: Task, _level: number, _name: number, _value: Uint8Array): number {
    return ENOPROTOOPT;
  }
}
