/** A network namespace (network_namespaces(7)): interfaces, ports, abstract names and sysctls. */
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task/task.ts";
import { initialUserNamespace, type UserNamespace } from "../task/user-namespace.ts";
import { LoopbackTransport } from "./inet/loopback.ts";
import { LoopbackStack } from "./inet/loopback-stack.ts";
import { GroupTable } from "./inet/memberships.ts";
import { PortTable } from "./inet/port-table.ts";
import type { InetTransport } from "./inet/transport.ts";
import { IFF_UP, Loopback, type NetworkInterface } from "./interfaces.ts";
import { NetlinkTable } from "./netlink/netlink-table.ts";
import type { FrameTaker } from "./packet/frame.ts";
import type { NetworkStack } from "./stack.ts";
import { UnixNames } from "./unix/names.ts";

let lastCookie = 0;

export class NetworkNamespace {
  readonly kernel: Kernel;
  readonly userNamespace: UserNamespace;
  readonly cookie = ++lastCookie;
  readonly loopback = new Loopback();
  readonly interfaces: readonly NetworkInterface[] = [this.loopback];
  readonly unix = new UnixNames();
  readonly tcp = new PortTable();
  readonly udp = new PortTable();
  readonly udplite = new PortTable();
  readonly ping = new PortTable();
  readonly raw = new Set<object>();
  /** AF_PACKET */
  readonly packets = new Set<FrameTaker>();
  readonly netlink = new NetlinkTable();
  readonly groups = new GroupTable();
  /** What serves everything but unix sockets. */
  stack: NetworkStack;
  /** Where internet traffic of the loopback stack goes. */
  transport: InetTransport;
  /** /proc/net/sockstat */
  socketsUsed = 0;

  // /proc/sys/net
  portRangeFirst = 32768;
  portRangeLast = 60999;
  unprivilegedPortStart = 1024;
  somaxconn = 4096;
  maxDgramQlen = 10;
  pingGroupFirst = 0;
  pingGroupLast = 0x7fff_ffff;
  isIpv6Only = false;
  /** By path, those that were written (kept-sysctls.ts). */
  readonly keptSysctls = new Map<string, string>();

  constructor(kernel: Kernel, userNamespace: UserNamespace = initialUserNamespace()) {
    this.kernel = kernel;
    this.userNamespace = userNamespace;
    this.transport = new LoopbackTransport(this);
    this.stack = new LoopbackStack(this);
  }

  nextCookie(): number {
    return ++lastCookie;
  }

  interfaceByIndex(index: number): NetworkInterface | null {
    return this.interfaces.find((device) => device.index === index) ?? null;
  }

  interfaceByName(name: string): NetworkInterface | null {
    return this.interfaces.find((device) => device.name === name) ?? null;
  }

  /** A random integer below `limit`. */
  random(limit: number): number {
    const bytes = new Uint8Array(4);
    this.kernel.random(bytes, 0, 4);
    return new DataView(bytes.buffer).getUint32(0, true) % limit;
  }
}

const initial = new WeakMap<Kernel, NetworkNamespace>();
const unshared = new WeakMap<object, NetworkNamespace>();

/** The namespace that exists from the start. */
export const initialNetwork = (kernel: Kernel): NetworkNamespace => {
  let net = initial.get(kernel);
  if (net === undefined) {
    net = new NetworkNamespace(kernel);
    net.loopback.setFlags(IFF_UP);
    initial.set(kernel, net);
  }
  return net;
};

/** The namespace that `task` makes sockets in. */
export const networkOf = (task: Task): NetworkNamespace => unshared.get(task) ?? initialNetwork(task.kernel);

/** clone(2), unshare(2), setns(2): `task` makes its sockets in `net` from now on. */
export const enterNetwork = (task: Task, net: NetworkNamespace): void => {
  unshared.set(task, net);
};

/** clone(2) without CLONE_NEWNET. */
export const inheritNetwork = (child: Task, parent: Task): void => {
  const net = unshared.get(parent);
  if (net !== undefined) unshared.set(child, net);
};
