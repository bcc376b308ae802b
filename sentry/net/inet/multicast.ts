/** The protocol-independent multicast options (RFC 3678): MCAST_JOIN_GROUP and its kin. */
import { AF_INET, AF_INET6, SOCK_STREAM } from "../../../syscall-tables/flags/socket.ts";
import { EINVAL, ENODEV, EPROTO } from "../../abi/errno.ts";
import { int32At } from "../control.ts";
import { familyOf, v4In, v6In } from "./address.ts";
import type { InetSocket } from "./inet-socket.ts";
import { joinGroup, leaveGroup } from "./memberships.ts";

export const MCAST_JOIN_GROUP = 42;
const MCAST_BLOCK_SOURCE = 43;
const MCAST_UNBLOCK_SOURCE = 44;
export const MCAST_LEAVE_GROUP = 45;
const MCAST_JOIN_SOURCE_GROUP = 46;
const MCAST_LEAVE_SOURCE_GROUP = 47;
export const MCAST_MSFILTER = 48;
/** struct group_req: the interface, padding, and a sockaddr_storage. */
const GROUP_REQ_SIZE = 136;
const GROUP_AT = 8;

/** Filters by source are not kept: a network of one host has one source. */
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
