/** connect(2), listen(2) and accept(2) on a TCP socket. */
import { O_NONBLOCK } from "../../../syscall-tables/flags/open.ts";
import { POLLERR, POLLHUP } from "../../../syscall-tables/flags/poll.ts";
import { AF_UNSPEC, SOCK_NONBLOCK, SOCK_STREAM } from "../../../syscall-tables/flags/socket.ts";
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  ECONNRESET,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  type Errno,
  isErrno,
} from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";

import type { Socket, SocketOptions } from "../socket.ts";
import { familyOf, type IpAddress } from "./address.ts";
import { IN, OUT, TcpEndpoint } from "./tcp-endpoint.ts";
import type { TcpSocket } from "./tcp-socket.ts";
import { TCP_CLOSE, TCP_LISTEN, TCP_SYN_SENT } from "./tcp-state.ts";

export abstract class TcpConnecting extends TcpEndpoint {
  override connect(_task: Task, bytes: Uint8Array, isNonblocking: boolean): number {
    if (bytes.length < 2) return EINVAL;
    if (familyOf(bytes) === AF_UNSPEC) return this.disconnect();
    if (this.phase === "connected") return EISCONN;
    if (this.phase === "connecting") {
      if (this.state === TCP_SYN_SENT) return isNonblocking ? EALREADY : EINPROGRESS;
      return this.#settle();
    }
    if (this.state !== TCP_CLOSE) return EISCONN;
    const destination = this.readDestination(bytes, false);
    if (isErrno(destination)) return destination;
    const port = (bytes[2] << 8) | bytes[3];
    const error = this.#start(destination, port);
    if (error < 0) return error;
    this.phase = "connecting";
    this.net.transport.connect(this);
    // Even on this host the handshake ends after connect has looked.
    if (isNonblocking) return EINPROGRESS;
    return this.#isHandshaking ? EINPROGRESS : this.#settle();
  }

  get #isHandshaking(): boolean {
    return this.state === TCP_SYN_SENT;
  }

  #start(destination: IpAddress, port: number): number {
    if (destination.isMulticast || destination.isBroadcast || destination.isSubnetBroadcast) return ENETUNREACH;
    const source = this.sourceFor(destination);
    if (isErrno(source)) return source;
    const before = this.localAddress;
    this.localAddress = source;
    this.remoteAddress = destination;
    this.remotePort = port;
    if (this.localPort === 0 && this.takePort(0, false) < 0) {
      this.localAddress = before;
      this.remoteAddress = null;
      return EADDRNOTAVAIL;
    }
    if (this.#hasTwin()) {
      this.localAddress = before;
      this.remoteAddress = null;
      return EADDRNOTAVAIL;
    }
    this.error = 0;
    this.shutdownMask = 0;
    this.isDone = false;
    this.state = TCP_SYN_SENT;
    return 0;
  }

  /** Another connection has the same four numbers. */
  #hasTwin(): boolean {
    for (const other of this.table.bound(this.localPort)) if (other !== this && this.#isTwin(other)) return true;
    return false;
  }

  #isTwin(other: object): boolean {
    if (!(other instanceof TcpConnecting) || other.remoteAddress === null || this.remoteAddress === null) return false;
    return (
      other.remotePort === this.remotePort && other.remoteAddress.equals(this.remoteAddress) && other.localAddress.equals(this.localAddress)
    );
  }

  /** A port for connect(2) may be one that other connections use, to other places (__inet_hash_connect). */
  protected override isPortFree(port: number, isBind: boolean, nowNs: number): boolean {
    if (isBind) return super.isPortFree(port, isBind, nowNs);
    for (const other of this.table.bound(port)) if (!other.isConnectOnly || this.#isTwin(other)) return false;
    return true;
  }

  /** What connect(2) reports once SYN_SENT is left. */
  #settle(): number {
    if (this.state === TCP_CLOSE) {
      // __inet_stream_connect() disconnects: the socket is as new.
      this.phase = "unconnected";
      this.shutdownMask = 0;
      this.isDone = false;
      this.forgetPeer();
      return this.takeError() || ECONNABORTED;
    }
    this.phase = "connected";
    return 0;
  }

  override connected(_task: Task, _address: Uint8Array): number {
    return this.state === TCP_SYN_SENT ? EAGAIN : this.#settle();
  }

  /** The transport: the handshake is done. */
  protected override disconnect(): number {
    const { state, connection } = this;
    if (state === TCP_LISTEN) this.stopListening();
    else if (state === TCP_SYN_SENT) this.net.transport.cancel(this);
    else connection?.abort();
    // tcp_disconnect(): whoever looks at the socket hears of it.
    if (state === TCP_SYN_SENT || (state !== TCP_CLOSE && connection !== null)) this.error = ECONNRESET;
    this.connection = null;
    this.incoming.clear();
    this.state = TCP_CLOSE;
    this.phase = "unconnected";
    this.shutdownMask = 0;
    this.isDone = false;
    this.forgetPeer();
    this.queue.notify(IN | OUT | POLLHUP | POLLERR);
    return 0;
  }

  // ---- listening

  override listen(_task: Task, backlog: number): number {
    if (this.phase !== "unconnected" || (this.state !== TCP_CLOSE && this.state !== TCP_LISTEN)) return EINVAL;
    this.backlog = Math.min(backlog >>> 0, this.net.somaxconn);
    if (this.state === TCP_LISTEN) return 0;
    if (this.localPort === 0) {
      const error = this.autobind();
      if (error < 0) return error;
    } else if (this.table.conflicts(this.localPort, this, this.kernel.clock.monotonicNs())) return EADDRINUSE;
    this.state = TCP_LISTEN;
    this.shutdownMask = 0;
    return 0;
  }

  protected abstract newChild(options: SocketOptions): TcpSocket;

  get isAcceptQueueFull(): boolean {
    return this.acceptQueue.length > this.backlog;
  }

  /** The transport: a connection from `remote` has come in for this listener. */
  createChild(localAddress: IpAddress, remoteAddress: IpAddress, remotePort: number): TcpSocket {
    const child = this.newChild({
      kernel: this.kernel,
      net: this.net,
      family: this.family,
      type: SOCK_STREAM,
      protocol: this.protocol,
      flags: 0,
      uid: this.uid,
      gid: this.inode.gid,
    });
    child.settings.inherit(this.settings);
    child.ip.inherit(this.ip);
    child.tcp.inherit(this.tcp);
    child.isV6Only = this.isV6Only;
    child.localAddress = localAddress;
    child.remoteAddress = remoteAddress;
    child.remotePort = remotePort;
    child.localPort = this.localPort;
    child.hasOwnPort = true;
    child.isChild = true;
    child.phase = "connected";
    this.table.add(child.localPort, child);
    return child;
  }

  enqueue(child: TcpSocket): void {
    this.acceptQueue.push(child);
    this.queue.notify(IN);
  }

  override accept(_task: Task, flags: number): Socket | Errno {
    if (this.state !== TCP_LISTEN) return EINVAL;
    const child = this.acceptQueue.shift();
    if (child === undefined) return EAGAIN;
    child.flags = (child.flags & ~O_NONBLOCK) | ((flags & SOCK_NONBLOCK) !== 0 ? O_NONBLOCK : 0);
    this.net.transport.acceptedOne(this);
    return child;
  }

  protected override stopListening(): void {
    this.state = TCP_CLOSE;
    const waiting = this.acceptQueue.splice(0);
    for (const child of waiting) child.resetAndClose();
    this.net.transport.unlisten(this);
  }

  /** A connection that nobody will accept. */
  resetAndClose(): void {
    this.connection?.abort();
    this.connection = null;
    this.incoming.clear();
    this.put();
  }
}
