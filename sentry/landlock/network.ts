/** Landlock's say about TCP ports and abstract unix sockets (security/landlock/{net,task}.c). */
import { AF_INET, AF_INET6, AF_UNSPEC, IPPROTO_TCP, SOCK_STREAM } from "../../syscall-tables/flags/socket.ts";
import { EACCES, EAFNOSUPPORT, EINVAL, type Errno } from "../abi/errno.ts";
import type { Socket } from "../net/socket.ts";
import type { Credentials } from "../task/credentials.ts";
import { NET_BIND_TCP, NET_CONNECT_TCP } from "./access.ts";

const SOCKADDR_IN_SIZE = 16;
const SOCKADDR_IN6_SHORT = 24;

const isTcp = ({ family, type, protocol }: Socket): boolean =>
  (family === AF_INET || family === AF_INET6) && type === SOCK_STREAM && protocol === IPPROTO_TCP;

/** current_check_access_socket() */
const check = ({ landlock }: Credentials, socket: Socket, address: Uint8Array, access: number): 0 | Errno => {
  if (landlock === null || !isTcp(socket)) return 0;
  if (landlock.allowsPort(-1, access)) return 0;
  if (address.length < 2) return EINVAL;
  const family = address[0] | (address[1] << 8);
  if (family === AF_UNSPEC) {
    // Ending a connection is always allowed; binding means the wildcard of IPv4.
    if (access === NET_CONNECT_TCP) return 0;
    if (socket.family !== AF_INET) return EAFNOSUPPORT;
  } else if (family !== AF_INET && family !== AF_INET6) return 0;
  if (address.length < (family === AF_INET6 ? SOCKADDR_IN6_SHORT : SOCKADDR_IN_SIZE)) return EINVAL;
  if (family === AF_UNSPEC && address.subarray(4, 8).some((byte) => byte !== 0)) return EAFNOSUPPORT;
  if (family !== socket.family && family !== AF_UNSPEC) return EINVAL;
  return landlock.allowsPort((address[2] << 8) | address[3], access) ? 0 : EACCES;
};

export const mayBindTcp = (creds: Credentials, socket: Socket, address: Uint8Array): 0 | Errno =>
  check(creds, socket, address, NET_BIND_TCP);
export const mayConnectTcp = (creds: Credentials, socket: Socket, address: Uint8Array): 0 | Errno =>
  check(creds, socket, address, NET_CONNECT_TCP);
