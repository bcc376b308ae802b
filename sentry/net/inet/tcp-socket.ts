/** tcp(7): the socket side of a connection. Bytes come and go through the namespace's transport. */
import {
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_FASTOPEN,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SHUT_RDWR,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from "../../../syscall-tables/flags/socket.ts";
import { SOL_TCP } from "../../../syscall-tables/flags/socket-options.ts";
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  ECONNREFUSED,
  ECONNRESET,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EPIPE,
  type Errno,
  isErrno,
} from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";
import { O_NONBLOCK, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRNORM } from "../../vfs/open-file.ts";
import type { ControlMessage } from "../control.ts";
import type { ReceiveMessage, SendMessage } from "../message.ts";
import { type OptionValue, RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK, type Socket, type SocketOptions } from "../socket.ts";
import { StreamBuffer } from "../stream-buffer.ts";
import { sendSigurg } from "../urgent.ts";
import { familyOf, type IpAddress } from "./address.ts";
import { checkInetControl } from "./inet-control.ts";
import { InetSocket } from "./inet-socket.ts";
import { type PortTable, TimeWait } from "./port-table.ts";
import { getTcpOption, setTcpOption, TcpSettings } from "./tcp-options.ts";
import { TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_FIN_WAIT2, TCP_LISTEN, TCP_SYN_SENT } from "./tcp-state.ts";
import type { TcpConnection } from "./transport.ts";

/** net.ipv4.tcp_wmem and tcp_rmem: what a socket starts with, and what it has once connected on this host. */
const SNDBUF_INITIAL = 16384;
const SNDBUF_CONNECTED = 2_626_560;
const RCVBUF_INITIAL = 131_072;

const TIME_WAIT_NS = 60e9;

const IN = POLLIN | POLLRDNORM;
const OUT = POLLOUT | POLLWRNORM;

type ConnectPhase = "unconnected" | "connecting" | "connected";

export class TcpSocket extends InetSocket {
  state = TCP_CLOSE;
  readonly incoming = new StreamBuffer();
  connection: TcpConnection | null = null;
  readonly tcp = new TcpSettings();
  /** sock->state: connect(2) was called and has not reported its result. */
  phase: ConnectPhase = "unconnected";
  /** A FIN has come (SOCK_DONE). */
  isDone = false;
  /** A writer was told EAGAIN: it wants POLLOUT. */
  isStarved = false;
  /** Listening: connections for accept(2). */
  readonly acceptQueue: TcpSocket[] = [];
  backlog = 0;
  /** The port is kept for a while after close (TIME_WAIT). */
  #timeWait: TimeWait | null = null;
  #isWaitingForPeer = false;

  constructor(options: SocketOptions) {
    super(options);
    this.settings.sendBuffer = SNDBUF_INITIAL;
    this.settings.receiveBuffer = RCVBUF_INITIAL;
  }

  override get table(): PortTable {
    return this.net.tcp;
  }

  override get isListening(): boolean {
    return this.state === TCP_LISTEN;
  }

  protected override get isBindable(): boolean {
    return this.state === TCP_CLOSE && this.localPort === 0;
  }

  // ---- connecting

  override connect(_task: Task, bytes: Uint8Array, isNonblocking: boolean): number {
    if (bytes.length < 2) return EINVAL;
    if (familyOf(bytes) === AF_UNSPEC) return this.#disconnect();
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
    if (!(other instanceof TcpSocket) || other.remoteAddress === null || this.remoteAddress === null) return false;
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
      this.phase = "unconnected";
      this.#forgetPeer();
      return this.takeError() || ECONNABORTED;
    }
    this.phase = "connected";
    return 0;
  }

  override connected(_task: Task, _address: Uint8Array): number {
    return this.state === TCP_SYN_SENT ? EAGAIN : this.#settle();
  }

  /** The transport: the handshake is done. */
  onConnected(connection: TcpConnection): void {
    this.connection = connection;
    this.state = TCP_ESTABLISHED;
    if ((this.settings.bufferLocks & 1) === 0) this.settings.sendBuffer = SNDBUF_CONNECTED;
    this.queue.notify(OUT);
  }

  onRefused(error: Errno): void {
    this.error = error;
    this.#down();
    this.queue.notify(IN | OUT | POLLERR | POLLHUP | POLLRDHUP);
  }

  /** tcp_done() */
  #down(): void {
    this.state = TCP_CLOSE;
    this.shutdownMask = SHUTDOWN_MASK;
    this.connection = null;
    if (!this.hasOwnPort) this.dropPort();
  }

  /** connect(2) with AF_UNSPEC, shutdown(2) of a listener. */
  #disconnect(): number {
    if (this.state === TCP_LISTEN) this.#stopListening();
    else if (this.state === TCP_SYN_SENT) this.net.transport.cancel(this);
    else this.connection?.abort();
    this.connection = null;
    this.incoming.clear();
    this.state = TCP_CLOSE;
    this.phase = "unconnected";
    this.shutdownMask = 0;
    this.error = 0;
    this.isDone = false;
    this.#forgetPeer();
    this.queue.notify(IN | OUT | POLLHUP);
    return 0;
  }

  #forgetPeer(): void {
    this.remoteAddress = null;
    this.remotePort = 0;
    if (!this.hasOwnPort) this.dropPort();
    if (!this.hasOwnAddress) this.localAddress = this.any;
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

  get isAcceptQueueFull(): boolean {
    return this.acceptQueue.length > this.backlog;
  }

  /** The transport: a connection from `remote` has come in for this listener. */
  createChild(localAddress: IpAddress, remoteAddress: IpAddress, remotePort: number): TcpSocket {
    const child = new TcpSocket({
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

  #stopListening(): void {
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

  // ---- data

  override prepareControl(_task: Task, message: SendMessage, control: ControlMessage[]): number {
    return checkInetControl(this, message, control);
  }

  override send(task: Task, message: SendMessage, io: Io): number {
    if ((message.flags & MSG_FASTOPEN) !== 0 && message.address !== null && this.phase === "unconnected") {
      const result = this.connect(task, message.address, (message.flags & MSG_DONTWAIT) !== 0);
      if (result < 0 && !(result === EINPROGRESS && this.state === TCP_ESTABLISHED)) return result === EINPROGRESS ? EAGAIN : result;
      this.phase = "connected";
    }
    if (this.state === TCP_SYN_SENT) return EAGAIN;
    const { connection } = this;
    if (this.error !== 0 || (this.shutdownMask & SEND_SHUTDOWN) !== 0 || connection === null) return this.takeError() || EPIPE;
    if (io.remaining === 0) return 0;
    const { space } = connection;
    if (space <= 0) {
      this.isStarved = true;
      return EAGAIN;
    }
    return connection.write(io, space, (message.flags & MSG_OOB) !== 0);
  }

  override receive(_task: Task, message: ReceiveMessage, io: Io): number {
    if (this.state === TCP_LISTEN) return ENOTCONN;
    const { incoming, settings } = this;
    const isPeek = (message.flags & MSG_PEEK) !== 0;
    if ((message.flags & MSG_OOB) !== 0) return this.#receiveUrgent(message, io, isPeek);
    if (io.remaining === 0) {
      message.isComplete = true;
      return 0;
    }
    if (!isPeek) incoming.passMark(settings.isOobInline);
    if (incoming.length === 0) return this.#endOfStream(message);
    const limit = incoming.beforeMark();
    if (limit !== Number.POSITIVE_INFINITY) message.isComplete = true;
    if (isPeek) return this.#peek(message, io, limit);
    let moved: number;
    if ((message.flags & MSG_TRUNC) !== 0) {
      // tcp(7): the bytes are thrown away.
      moved = Math.min(io.remaining, incoming.length, limit);
      incoming.skip(moved);
    } else moved = incoming.drain(io, limit);
    if (moved > 0 && settings.peekOffset > 0) settings.peekOffset = Math.max(0, settings.peekOffset - moved);
    this.connection?.consumed();
    return moved;
  }

  #peek(message: ReceiveMessage, io: Io, limit: number): number {
    message.isComplete = true;
    const { settings } = this;
    const offset = Math.max(0, settings.peekOffset);
    if (offset >= this.incoming.length) return this.#endOfStream(message);
    const moved = this.incoming.peek(io, offset, limit);
    if (moved > 0 && settings.peekOffset >= 0) settings.peekOffset += moved;
    return moved;
  }

  /** Nothing to read: why (tcp_recvmsg_locked). */
  #endOfStream(message: ReceiveMessage): number {
    message.isComplete = true;
    if (this.isDone) return 0;
    if (this.error !== 0) return this.takeError();
    if ((this.shutdownMask & RCV_SHUTDOWN) !== 0) return 0;
    if (this.state === TCP_CLOSE) return ENOTCONN;
    message.isComplete = false;
    return EAGAIN;
  }

  #receiveUrgent(message: ReceiveMessage, io: Io, isPeek: boolean): number {
    message.isComplete = true;
    if (this.state === TCP_CLOSE && !this.isDone) return ENOTCONN;
    const n = this.incoming.readUrgent(io, isPeek, this.settings.isOobInline);
    if (n > 0) message.outFlags |= MSG_OOB;
    return n === EAGAIN && (this.state === TCP_CLOSE || (this.shutdownMask & RCV_SHUTDOWN) !== 0) ? 0 : n;
  }

  // ---- what the transport tells

  onData(isUrgent: boolean): void {
    if (isUrgent) sendSigurg(this);
    this.queue.notify(isUrgent ? IN | POLLPRI : IN);
  }

  onFin(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.shutdownMask |= RCV_SHUTDOWN;
    if (this.state === TCP_ESTABLISHED) this.state = TCP_CLOSE_WAIT;
    else if (this.state === TCP_FIN_WAIT2) this.#enterTimeWait();
    this.queue.notify(this.shutdownMask === SHUTDOWN_MASK ? IN | POLLRDHUP | POLLHUP | OUT : IN | POLLRDHUP);
  }

  /** tcp_reset() */
  onReset(): void {
    if (this.state === TCP_CLOSE) return;
    this.error = this.state === TCP_SYN_SENT ? ECONNREFUSED : this.state === TCP_CLOSE_WAIT ? EPIPE : ECONNRESET;
    this.#dropTimeWait();
    this.#down();
    this.queue.notify(IN | OUT | POLLERR | POLLHUP | POLLRDHUP);
  }

  /** Both directions are closed, and this side began: the port stays taken. */
  #enterTimeWait(): void {
    this.state = TCP_CLOSE;
    this.shutdownMask = SHUTDOWN_MASK;
    this.connection = null;
    this.#keepPort();
    this.dropPort();
  }

  #keepPort(): void {
    if (this.localPort === 0 || this.remoteAddress === null) return;
    const untilNs = this.kernel.clock.monotonicNs() + TIME_WAIT_NS;
    if (this.#timeWait !== null) this.#timeWait.untilNs = untilNs;
    else {
      this.#timeWait = new TimeWait(this, this.localPort, this.remoteAddress, this.remotePort, untilNs);
      this.table.add(this.localPort, this.#timeWait);
    }
  }

  #dropTimeWait(): void {
    if (this.#timeWait === null) return;
    this.table.remove(this.#timeWait.localPort, this.#timeWait);
    this.#timeWait = null;
  }

  // ---- closing

  override shutdown(_task: Task, how: number): number {
    if (how < 0 || how > SHUT_RDWR) return EINVAL;
    const mask = how + 1;
    let result = 0;
    switch (this.state) {
      case TCP_LISTEN:
        return (mask & RCV_SHUTDOWN) === 0 ? 0 : this.#disconnect();
      case TCP_SYN_SENT:
        return this.#disconnect();
      case TCP_CLOSE:
        result = ENOTCONN;
        break;
      default:
    }
    const isNew = (mask & SEND_SHUTDOWN) !== 0 && (this.shutdownMask & SEND_SHUTDOWN) === 0;
    this.shutdownMask |= mask;
    if (isNew && result === 0) this.#sendFin();
    this.queue.notify(IN | OUT | POLLHUP | POLLRDHUP);
    return result;
  }

  #sendFin(): void {
    const { connection } = this;
    if (this.state === TCP_ESTABLISHED) {
      this.state = TCP_FIN_WAIT2;
      this.#isWaitingForPeer = true;
      connection?.finish();
    } else if (this.state === TCP_CLOSE_WAIT) {
      // LAST_ACK ends at once: the peer's acknowledgement is not awaited.
      connection?.finish();
      this.#down();
    }
  }

  protected override close(): void {
    switch (this.state) {
      case TCP_LISTEN:
        this.#stopListening();
        break;
      case TCP_SYN_SENT:
        this.net.transport.cancel(this);
        this.state = TCP_CLOSE;
        break;
      case TCP_CLOSE:
        break;
      default:
        this.#closeConnection();
    }
    this.connection = null;
    this.dropPort();
  }

  /** tcp_close(): unread bytes and a linger time of zero make it a reset. */
  #closeConnection(): void {
    const { connection, settings } = this;
    const mustReset = this.incoming.length > 0 || (settings.isLingering && settings.lingerSeconds === 0);
    if (mustReset) {
      this.state = TCP_CLOSE;
      connection?.abort();
    } else {
      if (this.state === TCP_ESTABLISHED) {
        this.#isWaitingForPeer = true;
        this.state = TCP_FIN_WAIT2;
        connection?.finish();
      } else if (this.state === TCP_CLOSE_WAIT) {
        connection?.finish();
        this.state = TCP_CLOSE;
      }
      connection?.orphan();
      // An orphan in FIN_WAIT2 holds its port as TIME_WAIT does (tcp_fin_timeout is the same 60 s).
      if (this.#isWaitingForPeer) this.#keepPort();
    }
    this.incoming.clear();
  }

  // ---- the rest

  override readiness(): number {
    const { state } = this;
    if (state === TCP_LISTEN) return this.acceptQueue.length > 0 ? IN : 0;
    const mask = this.shutdownMask;
    let events = 0;
    if (mask === SHUTDOWN_MASK || state === TCP_CLOSE) events |= POLLHUP;
    if ((mask & RCV_SHUTDOWN) !== 0) events |= IN | POLLRDHUP;
    if (state !== TCP_SYN_SENT) {
      const { incoming } = this;
      if (incoming.length > 0 && incoming.readable(this.settings.isOobInline) >= this.settings.receiveLowWater) events |= IN;
      if ((mask & SEND_SHUTDOWN) !== 0 || this.isWritable) events |= OUT;
      else this.isStarved = true;
      if (incoming.hasUrgent) events |= POLLPRI;
    }
    if (this.error !== 0) events |= POLLERR;
    return events;
  }

  /** sk_stream_is_writeable(): at least a third of the buffer is free. */
  get isWritable(): boolean {
    const { connection } = this;
    if (connection === null) return true;
    const { unsent } = connection;
    return (this.settings.sendBuffer - unsent) * 2 >= unsent;
  }

  override inputQueue(): number {
    return this.state === TCP_LISTEN ? EINVAL : this.incoming.readable(this.settings.isOobInline);
  }

  override outputQueue(): number {
    return this.state === TCP_LISTEN ? EINVAL : (this.connection?.unsent ?? 0);
  }

  override atMark(): number {
    return this.incoming.isAtMark ? 1 : 0;
  }

  override peerName(): Uint8Array | Errno {
    return this.state === TCP_CLOSE || this.state === TCP_SYN_SENT || this.state === TCP_LISTEN ? ENOTCONN : super.peerName();
  }

  protected override protocolOption(task: Task, level: number, name: number, length: number): OptionValue {
    return level === SOL_TCP ? getTcpOption(this, name, length) : super.protocolOption(task, level, name, length);
  }

  protected override setProtocolOption(task: Task, level: number, name: number, value: Uint8Array): number {
    return level === SOL_TCP ? setTcpOption(this, task, name, value) : super.setProtocolOption(task, level, name, value);
  }
}
