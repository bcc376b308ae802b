/**
 * Where internet traffic goes. The sockets know addresses, ports and the rules of bind(2);
 * a transport moves connections and datagrams. The loopback transport moves them between
 * the namespace's own sockets; a TCP/IP stack or host sockets can stand in its place.
 */
import type { Errno } from "../../abi/errno.ts";
import type { Io } from "../../vfs/io.ts";
import type { IpAddress } from "./address.ts";
import type { Datagram } from "./datagram.ts";
import type { InetSocket } from "./inet-socket.ts";
import type { TcpConnecting } from "./tcp-connecting.ts";
import type { TcpEndpoint } from "./tcp-endpoint.ts";

/**
 * The sending half of a TCP connection. What comes in, the transport puts into
 * `socket.incoming` and tells by `socket.onData`, `onFin` and `onReset`.
 */
export interface TcpConnection {
  /** Bytes that can be taken now. */
  readonly space: number;
  /** Bytes taken that the peer has not received (SIOCOUTQ). */
  readonly unsent: number;
  /** Takes up to `space` bytes; `isUrgent`: the last of them is urgent. */
  write(io: Io, max: number, isUrgent: boolean): number;
  /** The socket has read from `incoming`: its window has opened. */
  consumed(): void;
  /** FIN: no more bytes follow. */
  finish(): void;
  /** RST. */
  abort(): void;
  /** The socket is closed by its owner; what was taken is still delivered. */
  orphan(): void;
}

export interface InetTransport {
  /** May a socket be bound to it? */
  isLocal(address: IpAddress): boolean;
  /** The source address for `destination`, ENETUNREACH, or another errno. `interfaceIndex`: 0 or the interface to use. */
  route(destination: IpAddress, interfaceIndex: number): IpAddress | Errno;
  /** Starts a connection to the socket's remote endpoint; tells it by `onConnected` or `onRefused`, at once or later. */
  connect(socket: TcpConnecting): void;
  /** connect(2) was given up. */
  cancel(socket: TcpEndpoint): void;
  /** accept(2) has made room. */
  acceptedOne(listener: TcpConnecting): void;
  /** The listener is closed: those that wait for it are refused. */
  unlisten(listener: TcpConnecting): void;
  /** Delivers a datagram: 0, or ECONNREFUSED when an ICMP error came back. */
  deliver(from: InetSocket, datagram: Datagram): number;
  /** A datagram that a packet socket has made. */
  inject(datagram: Datagram): void;
}
