/** The protocol-independent multicast options (RFC 3678): MCAST_JOIN_GROUP and its kin. */
import { AF_INET, AF_INET6, SOCK_STREAM } from "../../../syscall-tables/flags/socket.ts";
import { EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENODEV, EPROTO } from "../../abi/errno.ts";
import { int32At } from "../control.ts";
import { familyOf, type IpAddress, v4In, v6In } from "./address.ts";
import type { InetSocket } from "./inet-socket.ts";
import { changeSource, joinGroup, leaveGroup } from "./memberships.ts";

export const MCAST_JOIN_GROUP = 42;
export const MCAST_BLOCK_SOURCE = 43;
export const MCAST_UNBLOCK_SOURCE = 44;
export const MCAST_LEAVE_GROUP = 45;
export const MCAST_JOIN_SOURCE_GROUP = 46;
export const MCAST_LEAVE_SOURCE_GROUP = 47;
export const MCAST_MSFILTER = 48;
/** struct group_source_req: the same with a second sockaddr_storage. */
const SOURCE_REQ_SIZE = 264;
const SOURCE_AT = 136;
/** struct group_req: the interface, padding, and a sockaddr_storage. */
const GROUP_REQ_SIZE = 136;
const GROUP_AT = 8;

/** The options about sources, which nothing is read from. */
export const isSourceFilter = (name: number): boolean =>
  name === MCAST_BLOCK_SOURCE ||
  name === MCAST_UNBLOCK_SOURCE ||
  name === MCAST_JOIN_SOURCE_GROUP ||
  name === MCAST_LEAVE_SOURCE_GROUP ||
  name === MCAST_MSFILTER;

export const changeGroup = (socket: InetSocket, name: number, value: Uint8Array): number => {
  if (value.length < GROUP_REQ_SIZE) return EINVAL;
  if (socket.type === SOCK_STREAM) return EPROTO;
  const sockaddr = value.subarray(GROUP_AT);
  if (familyOf(sockaddr) !== socket.family) return EINVAL;
  const group = socket.family === AF_INET ? v4In(sockaddr, 4) : v6In(sockaddr, 8);
  if (!group.isMulticast || (socket.family === AF_INET6 && group.isV4)) return EINVAL;
  const index = int32At(value, 0);
  if (name === MCAST_LEAVE_GROUP) return leaveGroup(socket, group, index);
  return socket.net.interfaceByIndex(index) === null ? ENODEV : joinGroup(socket, group, index);
};

/** A request about one source of a group (do_mcast_group_source). */
export const changeGroupSource = (socket: InetSocket, name: number, value: Uint8Array): number => {
  if (value.length !== SOURCE_REQ_SIZE) return EINVAL;
  const [groupName, sourceName] = [value.subarray(GROUP_AT), value.subarray(SOURCE_AT)];
  if (familyOf(groupName) !== socket.family || familyOf(sourceName) !== socket.family) return EADDRNOTAVAIL;
  const isV4 = socket.family === AF_INET;
  const group = isV4 ? v4In(groupName, 4) : v6In(groupName, 8);
  const source = isV4 ? v4In(sourceName, 4) : v6In(sourceName, 8);
  const index = int32At(value, 0);
  return changeFilter(socket, name, group, index, source);
};

/** `name`: MCAST_*_SOURCE. Joining by a source joins the group where that is not done. */
export const changeFilter = (socket: InetSocket, name: number, group: IpAddress, index: number, source: IpAddress): number => {
  if (!group.isMulticast) return EINVAL;
  if (socket.net.interfaceByIndex(index) === null) return ENODEV;
  if (name === MCAST_JOIN_SOURCE_GROUP) {
    const error = joinGroup(socket, group, index, true);
    if (error < 0 && error !== EADDRINUSE) return error;
  }
  const isInclude = name === MCAST_JOIN_SOURCE_GROUP || name === MCAST_LEAVE_SOURCE_GROUP;
  const isAdded = name === MCAST_JOIN_SOURCE_GROUP || name === MCAST_BLOCK_SOURCE;
  return changeSource(socket, group, index, source, { isInclude, isAdded });
};
