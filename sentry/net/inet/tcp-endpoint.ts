/** The life of a TCP socket: its states, what the transport tells it, how it is closed (tcp(7)). */
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { SHUT_RDWR } from "../../../syscall-tables/flags/socket.ts";
import { ECONNREFUSED, ECONNRESET, EINVAL, ENOTCONN, EPIPE, type Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";

import { RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK, type SocketOptions } from "../socket.ts";
import { StreamBuffer } from "../stream-buffer.ts";
import { sendSigurg } from "../urgent.ts";
import { InetSocket } from "./inet-socket.ts";
import { type PortTable, TimeWait } from "./port-table.ts";
import { TcpSettings } from "./tcp-options.ts";
import type { TcpSocket } from "./tcp-socket.ts";
import { TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_FIN_WAIT2, TCP_LISTEN, TCP_SYN_SENT, TCP_TIME_WAIT } from "./tcp-state.ts";
import type { TcpConnection } from "./transport.ts";

/** net.ipv4.tcp_wmem and tcp_rmem: what a socket starts with, and what it has once connected on this host. */
const SNDBUF_INITIAL = 16384;
const SNDBUF_CONNECTED = 2_626_560;
const RCVBUF_INITIAL = 131_072;

const TIME_WAIT_NS = 60e9;

export const IN = POLLIN | POLLRDNORM;
export const OUT = POLLOUT | POLLWRNORM;

type ConnectPhase = "unconnected" | "connecting" | "connected";

export abstract class TcpEndpoint extends InetSocket {
  state = TCP_CLOSE;
  readonly incoming = new StreamBuffer();
  /** SO_TIMESTAMP: when data came last; sec 0: nobody has asked. */
  readonly arrival = { sec: 0, nsec: 0 };
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
  /** Made by a listener, whose port it shares. */
  isChild = false;
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
  /** sk_stream_is_writeable(): at least a third of the buffer is free. */
  get isWritable(): boolean {
    const { connection } = this;
    if (connection === null) return true;
    const { unsent } = connection;
    return (this.settings.sendBuffer - unsent) * 2 >= unsent;
  }

  /** connect(2) with AF_UNSPEC, shutdown(2) of a listener. */
  protected abstract disconnect(): number;

  /** A listener goes: those in its queue are reset. */
  protected abstract stopListening(): void;

  onConnected(connection: TcpConnection): void {
    this.connection = connection;
    this.state = TCP_ESTABLISHED;
    if ((this.settings.bufferLocks & 1) === 0) this.settings.sendBuffer = SNDBUF_CONNECTED;
    this.queue.notify(OUT);
  }

  onRefused(error: Errno): void {
    this.error = error;
    this.down();
    this.queue.notify(IN | OUT | POLLERR | POLLHUP | POLLRDHUP);
  }

  /** tcp_done() */
  protected down(): void {
    this.state = TCP_CLOSE;
    this.shutdownMask = SHUTDOWN_MASK;
    this.connection = null;
    if (!this.hasOwnPort) this.dropPort();
  }

  protected forgetPeer(): void {
    this.remoteAddress = null;
    this.remotePort = 0;
    if (!this.hasOwnPort) this.dropPort();
    if (!this.hasOwnAddress) this.localAddress = this.any;
  }
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
    this.dropTimeWait();
    this.down();
    this.queue.notify(IN | OUT | POLLERR | POLLHUP | POLLRDHUP);
  }

  /** Both directions are closed, and this side began: the port stays taken. */
  #enterTimeWait(): void {
    this.state = TCP_CLOSE;
    this.shutdownMask = SHUTDOWN_MASK;
    this.connection = null;
    this.#keepPort(TCP_TIME_WAIT);
    this.dropPort();
  }

  #keepPort(state: number): void {
    if (this.localPort === 0 || this.remoteAddress === null) return;
    const untilNs = this.kernel.clock.monotonicNs() + TIME_WAIT_NS;
    if (this.#timeWait !== null) this.#timeWait.untilNs = untilNs;
    else {
      this.#timeWait = new TimeWait(this, this.localPort, this.remoteAddress, this.remotePort, untilNs);
      this.table.add(this.localPort, this.#timeWait);
    }
    this.#timeWait.state = state;
  }

  protected dropTimeWait(): void {
    if (this.#timeWait === null) return;
    this.table.remove(this.#timeWait.localPort, this.#timeWait);
    this.#timeWait = null;
  }

  override shutdown(_task: Task, how: number): number {
    if (how < 0 || how > SHUT_RDWR) return EINVAL;
    const mask = how + 1;
    let result = 0;
    switch (this.state) {
      case TCP_LISTEN:
        return (mask & RCV_SHUTDOWN) === 0 ? 0 : this.disconnect();
      case TCP_SYN_SENT:
        return this.disconnect();
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
      this.down();
    }
  }

  protected override close(): void {
    switch (this.state) {
      case TCP_LISTEN:
        this.stopListening();
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
      if (this.#isWaitingForPeer) this.#keepPort(TCP_FIN_WAIT2);
    }
    this.incoming.clear();
  }
}
