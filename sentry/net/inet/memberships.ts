/** Multicast groups: of which a socket is a member, and which of them its namespace has joined (ip_mc_join_group, ipv6_sock_mc_join). */
import { EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS } from "../../abi/errno.ts";
import { IpAddress, v4Address } from "./address.ts";
import type { InetSocket } from "./inet-socket.ts";

export const ALL_HOSTS4 = v4Address(0xe000_0001);
const LINK_ALL_NODES = new IpAddress(0xff02_0000, 0, 0, 1);
const NODE_ALL_NODES = new IpAddress(0xff01_0000, 0, 0, 1);

/** net.ipv4.igmp_max_msf */
const MOST_SOURCES = 10;

export interface JoinedGroup {
  readonly group: IpAddress;
  readonly interfaceIndex: number;
  /** How many have joined it; the kernel itself is one. */
  users: number;
}

/** The groups of a namespace, the newest first. */
export class GroupTable {
  readonly joined: JoinedGroup[] = [LINK_ALL_NODES, NODE_ALL_NODES, ALL_HOSTS4].map((group) => ({ group, interfaceIndex: 1, users: 1 }));

  has(group: IpAddress): boolean {
    return this.joined.some((one) => one.group.equals(group));
  }

  #find(group: IpAddress, interfaceIndex: number): number {
    return this.joined.findIndex((one) => one.interfaceIndex === interfaceIndex && one.group.equals(group));
  }

  join(group: IpAddress, interfaceIndex: number): void {
    const at = this.#find(group, interfaceIndex);
    if (at >= 0) this.joined[at].users++;
    else this.joined.unshift({ group, interfaceIndex, users: 1 });
  }

  leave(group: IpAddress, interfaceIndex: number): void {
    const at = this.#find(group, interfaceIndex);
    if (at >= 0 && --this.joined[at].users === 0) this.joined.splice(at, 1);
  }
}

/** ip_mc_sf_allow(), inet6_mc_check(): does the socket want `group` from `source`? Null: it is no member. */
export const wantsFrom = (socket: InetSocket, group: IpAddress, source: IpAddress): boolean | null => {
  const membership = socket.ip.memberships.find((one) => one.group.equals(group));
  if (membership === undefined) return null;
  return membership.isInclude === membership.sources.some((one) => one.equals(source));
};

export const joinGroup = (socket: InetSocket, group: IpAddress, interfaceIndex: number, isInclude = false): number => {
  const { memberships } = socket.ip;
  if (memberships.some((one) => one.group.equals(group) && one.interfaceIndex === interfaceIndex)) return EADDRINUSE;
  memberships.push({ group, interfaceIndex, isInclude, sources: [] });
  socket.net.groups.join(group, interfaceIndex);
  return 0;
};

/** `interfaceIndex` 0: on whichever it is. */
export const leaveGroup = (socket: InetSocket, group: IpAddress, interfaceIndex: number): number => {
  const { memberships } = socket.ip;
  const at = memberships.findIndex((one) => one.group.equals(group) && (interfaceIndex === 0 || one.interfaceIndex === interfaceIndex));
  if (at < 0) return EADDRNOTAVAIL;
  socket.net.groups.leave(group, memberships[at].interfaceIndex);
  memberships.splice(at, 1);
  return 0;
};

/** ip_mc_source(), ip6_mc_source(): one more or one less in the filter of a group that was joined. */
export const changeSource = (
  socket: InetSocket,
  group: IpAddress,
  interfaceIndex: number,
  source: IpAddress,
  how: { readonly isInclude: boolean; readonly isAdded: boolean },
): number => {
  const { memberships } = socket.ip;
  const membership = memberships.find((one) => one.group.equals(group) && one.interfaceIndex === interfaceIndex);
  if (membership === undefined) return EINVAL;
  const { sources } = membership;
  if (membership.isInclude !== how.isInclude) {
    if (sources.length > 0) return EINVAL;
    membership.isInclude = how.isInclude;
  }
  const at = sources.findIndex((one) => one.equals(source));
  if (how.isAdded) {
    if (at >= 0) return EADDRNOTAVAIL;
    if (sources.length >= MOST_SOURCES) return ENOBUFS;
    sources.push(source);
    return 0;
  }
  if (at < 0) return EADDRNOTAVAIL;
  // Nobody left to hear is to leave.
  if (sources.length === 1 && how.isInclude) return leaveGroup(socket, group, interfaceIndex);
  sources.splice(at, 1);
  return 0;
};

/** The socket is closed. */
export const leaveAllGroups = (socket: InetSocket): void => {
  for (const { group, interfaceIndex } of socket.ip.memberships.splice(0)) socket.net.groups.leave(group, interfaceIndex);
};
