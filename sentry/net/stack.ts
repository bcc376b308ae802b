/**
 * What serves a network namespace below the socket layer. There are two: LoopbackStack (mode
 * "none": everything in this process) and HostStack (mode "host": sockets of the host's, in
 * the namespace that the sandbox was given). A user-space TCP/IP stack would be a third.
 * Unix sockets are no stack's affair: they never leave the sandbox.
 */
import type { Errno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import type { NetworkInterface } from "./interfaces.ts";
import type { Socket, SocketOptions } from "./socket.ts";

export interface NetworkStack {
  /** socket(2) of AF_INET and AF_INET6; type and protocol are in the kernel's ranges, nothing else is checked. */
  createInet(task: Task, options: SocketOptions): Socket | Errno;
  /** socket(2) of NETLINK_ROUTE. */
  createRoute(task: Task, options: SocketOptions): Socket | Errno;
  /** socket(2) of AF_PACKET. */
  createPacket(task: Task, options: SocketOptions): Socket | Errno;
  /** ioctl(2) of interfaces, routes and neighbours (netdevice(7)) on any socket of the namespace. */
  interfaceIoctl(task: Task, command: number, argument: number): number;
  /** The interfaces as they are now. */
  interfaces(): readonly NetworkInterface[];
  /** /proc/net/NAME; null where the socket layer shows its own. */
  procText(name: string): string | null;
}
