/** A filter on a socket of the host's: it runs here, over what was peeked at, with the headers the host has taken off. */
import { received, socketData } from "../../../native/ffi/socket-calls-unsafe.ts";
import { AF_INET6, IPPROTO_UDP, SOCK_RAW } from "../../../syscall-tables/flags/socket.ts";
import { isErrno } from "../../abi/errno.ts";
import { wirePacket } from "../filter/filter-packet.ts";
import type { SocketFilter } from "../filter/socket-filter.ts";
import { ANY4, ANY6, type IpAddress, portIn, v4In, v6In } from "../inet/address.ts";
import type { Socket } from "../socket.ts";

const IP_HEADER = 20;
const UDP_HEADER = 8;

const addressIn = (family: number, name: Uint8Array | null): IpAddress => {
  if (family === AF_INET6) return name !== null && name.length >= 24 ? v6In(name, 8) : ANY6;
  return name !== null && name.length >= 8 ? v4In(name, 4) : ANY4;
};

/** What `filter` leaves of the `n` bytes in `socketData`; -1: nothing. */
export const runOnReceived = (socket: Socket, filter: SocketFilter, n: number): number => {
  const own = socket.localName();
  const local = isErrno(own) ? null : own;
  const whole = socketData.slice(0, n);
  // A raw socket of IPv4 has the header in its data.
  const hasHeader = socket.type === SOCK_RAW && socket.family !== AF_INET6;
  const { name } = received;
  const packet = wirePacket(
    {
      data: hasHeader ? whole.subarray(Math.min(IP_HEADER, n)) : whole,
      protocol: socket.protocol,
      source: addressIn(socket.family, name),
      sourcePort: name !== null && name.length >= 4 ? portIn(name) : 0,
      destination: addressIn(socket.family, local),
      destinationPort: local !== null && local.length >= 4 ? portIn(local) : 0,
      ttl: 64,
      tos: 0,
      interfaceIndex: 1,
      coverage: 0,
    },
    hasHeader ? "network" : "transport",
  );
  if (hasHeader) packet.bytes.set(whole.subarray(0, Math.min(IP_HEADER, n)), packet.networkAt);
  const length = filter.run(packet);
  if (length === 0) return -1;
  return socket.protocol === IPPROTO_UDP ? Math.max(0, length - UDP_HEADER) : length;
};
