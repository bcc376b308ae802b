/** The stack of mode "none": sockets of this process, on an interface of this process. */

import {
  AF_INET,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
} from "../../../syscall-tables/flags/socket.ts";
import { CAP_NET_RAW } from "../../../syscall-tables/flags/system.ts";

import { EACCES, EPERM, EPROTONOSUPPORT, type Errno, ESOCKTNOSUPPORT } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { loopbackIoctl } from "../interface-ioctl.ts";
import type { NetworkInterface } from "../interfaces.ts";
import { NetlinkSocket } from "../netlink/netlink-socket.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import { PacketSocket } from "../packet/packet-socket.ts";
import type { Socket, SocketOptions } from "../socket.ts";
import type { NetworkStack } from "../stack.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import { PingSocket } from "./ping-socket.ts";
import { RawSocket } from "./raw-socket.ts";
import { TcpSocket } from "./tcp-socket.ts";
import { UdpliteSocket } from "./udplite-socket.ts";

export class LoopbackStack implements NetworkStack {
  readonly #net: NetworkNamespace;

  constructor(net: NetworkNamespace) {
    this.#net = net;
  }

  #mayPing(task: Task): boolean {
    const { pingGroupFirst, pingGroupLast } = this.#net;
    const { egid, groups } = task.creds;
    return [egid, ...groups].some((gid) => gid >= pingGroupFirst && gid <= pingGroupLast);
  }

  /** inet_create() */
  createInet(task: Task, options: SocketOptions): Socket | Errno {
    const { family, type, protocol } = options;
    const icmp = family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    switch (type) {
      case SOCK_STREAM:
        if (protocol !== IPPROTO_IP && protocol !== IPPROTO_TCP) return EPROTONOSUPPORT;
        return new TcpSocket({ ...options, protocol: IPPROTO_TCP });
      case SOCK_DGRAM:
        if (protocol === icmp) return this.#mayPing(task) ? new PingSocket(options) : EACCES;
        if (protocol === IPPROTO_UDPLITE) return new UdpliteSocket(options);
        if (protocol !== IPPROTO_IP && protocol !== IPPROTO_UDP) return EPROTONOSUPPORT;
        return new DatagramSocket({ ...options, protocol: IPPROTO_UDP });
      case SOCK_RAW:
        if (protocol === IPPROTO_IP) return EPROTONOSUPPORT;
        return task.creds.hasIn(this.#net.userNamespace, CAP_NET_RAW) ? new RawSocket(options) : EPERM;
      default:
        return ESOCKTNOSUPPORT;
    }
  }

  createRoute(_task: Task, options: SocketOptions): Socket {
    return new NetlinkSocket(options);
  }

  /** packet_create() */
  createPacket(task: Task, options: SocketOptions): Socket | Errno {
    if (!task.creds.hasIn(this.#net.userNamespace, CAP_NET_RAW)) return EPERM;
    return options.type === SOCK_RAW || options.type === SOCK_DGRAM ? new PacketSocket(options) : ESOCKTNOSUPPORT;
  }

  interfaceIoctl(task: Task, command: number, argument: number): number {
    return loopbackIoctl(this.#net, task, command, argument);
  }

  interfaces(): readonly NetworkInterface[] {
    return this.#net.interfaces;
  }

  procText(): null {
    return null;
  }
}
