/** The stack of mode "host": the network namespace that the sandbox was given, by sockets and files of it that the broker hands over. */

import { hostFileText, hostIntOption } from "../../../native/ffi/socket-calls-unsafe.ts";
import { AF_INET, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } from "../../../syscall-tables/flags/socket.ts";
import { SO_PROTOCOL, SOL_SOCKET } from "../../../syscall-tables/flags/socket-options.ts";
import { CAP_NET_RAW } from "../../../syscall-tables/flags/system.ts";

import { EPERM, EPROTONOSUPPORT, type Errno, ESOCKTNOSUPPORT } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { NetworkInterface } from "../interfaces.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import { packetSocketError } from "../packet/packet.ts";
import type { Socket, SocketOptions } from "../socket.ts";
import type { NetworkStack } from "../stack.ts";
import type { Broker } from "./broker.ts";
import { HostNetlinkSocket } from "./host-netlink.ts";
import { HostSocket } from "./host-socket.ts";
import { hostInterfaceIoctl, readInterface } from "./interface.ts";

/** Files of /proc/net that tell of the namespace; unix and netlink sockets are the sentry's own. */
const PROC_FILES = new Set([
  "arp",
  "dev",
  "dev_mcast",
  "fib_trie",
  "fib_triestat",
  "icmp",
  "icmp6",
  "if_inet6",
  "igmp",
  "igmp6",
  "ipv6_route",
  "netstat",
  "protocols",
  "raw",
  "raw6",
  "route",
  "snmp",
  "snmp6",
  "sockstat",
  "sockstat6",
  "tcp",
  "tcp6",
  "udp",
  "udp6",
  "udplite",
  "udplite6",
]);

export class HostStack implements NetworkStack {
  readonly #net: NetworkNamespace;
  readonly broker: Broker;
  /** Of /proc/net, by name; -1: there is none. */
  readonly #files = new Map<string, number>();
  /** For ioctl(2) on interfaces; -1: not needed yet. */
  #lastControlFd = -1;

  constructor(net: NetworkNamespace, broker: Broker) {
    this.#net = net;
    this.broker = broker;
  }

  /** Made by the first use: the broker may still be starting when the sentry does. */
  get #controlFd(): number {
    if (this.#lastControlFd < 0) this.#lastControlFd = this.broker.socket(AF_INET, SOCK_DGRAM, 0);
    return this.#lastControlFd;
  }

  createInet(task: Task, options: SocketOptions): Socket | Errno {
    const { family, type, protocol } = options;
    if (type !== SOCK_STREAM && type !== SOCK_DGRAM && type !== SOCK_RAW) return ESOCKTNOSUPPORT;
    if (type === SOCK_RAW && protocol === 0) return EPROTONOSUPPORT;
    if (type === SOCK_RAW && !task.creds.hasIn(this.#net.userNamespace, CAP_NET_RAW)) return EPERM;
    const hostFd = this.broker.socket(family, type, protocol);
    if (hostFd < 0) return hostFd as Errno;
    const actual = protocol === 0 ? hostIntOption(hostFd, SOL_SOCKET, SO_PROTOCOL) : protocol;
    return new HostSocket({ ...options, protocol: actual }, this.broker, hostFd);
  }

  createRoute(_task: Task, options: SocketOptions): Socket | Errno {
    const hostFd = this.broker.socket(options.family, options.type, options.protocol);
    return hostFd < 0 ? (hostFd as Errno) : new HostNetlinkSocket(options, this.broker, hostFd);
  }

  createPacket(task: Task): Errno {
    return packetSocketError(task, this.#net);
  }

  interfaceIoctl(task: Task, command: number, argument: number): number {
    return hostInterfaceIoctl(this.#net, this.broker, this.#controlFd, task, command, argument);
  }

  interfaces(): readonly NetworkInterface[] {
    const found: NetworkInterface[] = [];
    for (const line of (this.procText("dev") ?? "").split("\n").slice(2)) {
      const [name, columns] = line.trim().split(/: */);
      const device = columns === undefined ? null : readInterface(this.#controlFd, name);
      if (device !== null) found.push({ ...device, counters: columns.split(/ +/).map(Number) });
    }
    return found;
  }

  procText(name: string): string | null {
    if (!PROC_FILES.has(name)) return null;
    let fd = this.#files.get(name);
    if (fd === undefined) {
      fd = this.broker.open(name);
      this.#files.set(name, fd);
    }
    return fd < 0 ? null : hostFileText(fd);
  }
}
