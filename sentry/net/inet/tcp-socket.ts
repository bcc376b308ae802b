/** tcp(7): bytes in and out of a connection, urgent data, options. */
import { POLLERR, POLLHUP, POLLPRI, POLLRDHUP } from "../../../syscall-tables/flags/poll.ts";
import { MSG_DONTWAIT, MSG_ERRQUEUE, MSG_FASTOPEN, MSG_OOB, MSG_PEEK, MSG_TRUNC } from "../../../syscall-tables/flags/socket.ts";
import { SOL_TCP } from "../../../syscall-tables/flags/socket-options.ts";
import { EAGAIN, EINPROGRESS, EINVAL, ENOTCONN, EPIPE, type Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";

import type { ControlMessage } from "../control.ts";
import type { ReceiveMessage, SendMessage } from "../message.ts";
import { type OptionValue, RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK, type SocketOptions } from "../socket.ts";
import { checkInetControl, putStamps } from "./inet-control.ts";
import { TcpConnecting } from "./tcp-connecting.ts";
import { IN, OUT } from "./tcp-endpoint.ts";
import { getTcpOption, setTcpOption } from "./tcp-options.ts";
import { TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_LAST_ACK, TCP_LISTEN, TCP_SYN_SENT } from "./tcp-state.ts";

export class TcpSocket extends TcpConnecting {
  protected override newChild(options: SocketOptions): TcpSocket {
    return new TcpSocket(options);
  }

  /** The reader has come to the peer's end. */
  hasReadEnd = false;

  /** rcv_nxt - copied_seq: the peer's FIN counts as a byte. */
  get unreadSequence(): number {
    const hasFin = (this.state === TCP_CLOSE_WAIT || this.state === TCP_LAST_ACK) && !this.hasReadEnd;
    return this.incoming.length + Number(hasFin);
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
    // tcp_recvmsg(): inet_recv_error() of an empty queue; nothing here puts errors there for TCP.
    if ((message.flags & MSG_ERRQUEUE) !== 0) return EAGAIN;
    if (this.state === TCP_LISTEN) return ENOTCONN;
    const { incoming, settings } = this;
    const isPeek = (message.flags & MSG_PEEK) !== 0;
    if ((message.flags & MSG_OOB) !== 0) return this.#receiveUrgent(message, io, isPeek);
    if (io.remaining === 0 && incoming.length > 0) {
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
    if (settings.wantsStamps) this.#putArrival(message);
    return moved;
  }

  /** tcp_recv_timestamp(): when what was read last has come. */
  #putArrival(message: ReceiveMessage): void {
    if (this.arrival.sec !== 0) putStamps(message, this.settings, this.kernel.clock, this.arrival);
  }

  #peek(message: ReceiveMessage, io: Io, limit: number): number {
    message.isComplete = true;
    const { settings } = this;
    const offset = Math.max(0, settings.peekOffset);
    if (offset >= this.incoming.length) return this.#endOfStream(message);
    const moved = this.incoming.peek(io, offset, limit);
    if (moved > 0 && settings.peekOffset >= 0) settings.peekOffset += moved;
    if (settings.wantsStamps) this.#putArrival(message);
    return moved;
  }

  /** Nothing to read: why (tcp_recvmsg_locked). */
  #endOfStream(message: ReceiveMessage): number {
    message.isComplete = true;
    if (this.isDone) return 0;
    if (this.error !== 0) return this.takeError();
    if ((this.shutdownMask & RCV_SHUTDOWN) !== 0) {
      this.hasReadEnd = true;
      return 0;
    }
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

  override inputQueue(): number {
    return this.state === TCP_LISTEN ? EINVAL : this.incoming.beforeUrgent(this.settings.isOobInline);
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
