/** SOCK_STREAM: bytes, with credentials and files attached to stretches of them. */
import { POLLERR, POLLHUP, POLLPRI, POLLRDHUP } from "../../../syscall-tables/flags/poll.ts";
import { MSG_OOB, MSG_PEEK } from "../../../syscall-tables/flags/socket.ts";
import { EAGAIN, EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPIPE } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";
import type { OpenFile } from "../../vfs/open-file.ts";

import { truesize } from "../inet/datagram.ts";
import type { ReceiveMessage, SendMessage, SocketCredentials } from "../message.ts";
import { RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK } from "../socket.ts";
import { StreamBuffer } from "../stream-buffer.ts";
import { sendSigurg } from "../urgent.ts";
import { Rights } from "./rights.ts";
import { credentialsOf, deliverScm, sameCredentials } from "./scm.ts";
import { IN, OUT, UnixSocket } from "./unix-socket.ts";

/** Bytes [start, end) of the stream with what was sent along. Bytes in no stretch have nothing. */
interface Stretch {
  readonly start: number;
  end: number;
  readonly credentials: SocketCredentials | null;
  rights: Rights | null;
}

export class UnixStreamSocket extends UnixSocket {
  readonly incoming = new StreamBuffer();
  #stretches: Stretch[] = [];
  /** What `incoming` costs its sender's SO_SNDBUF: each send has its overhead. */
  #charged = 0;

  override connect(task: Task, bytes: Uint8Array, _isNonblocking: boolean): number {
    return this.connectStream(task, bytes);
  }

  protected override createChild(task: Task): UnixSocket {
    return new UnixStreamSocket(this.childOptions(task));
  }

  override send(task: Task, message: SendMessage, io: Io): number {
    if (message.address !== null) return this.state === "connected" ? EISCONN : EOPNOTSUPP;
    const peer = this.peer as UnixStreamSocket | null;
    if (peer === null) return ENOTCONN;
    if ((this.shutdownMask & SEND_SHUTDOWN) !== 0) return EPIPE;
    if (io.remaining === 0) return 0;
    if (this.error !== 0) return this.takeError();
    const { incoming } = peer;
    const space = this.settings.sendBuffer - peer.#charged;
    if (space <= 0) {
      this.isStarved = true;
      return EAGAIN;
    }
    if (peer.isReleasedOrShut) return EPIPE;
    const start = incoming.tail;
    const n = incoming.fill(io, space);
    if (n <= 0) return n;
    peer.#charged += truesize(n);
    if (message.rights !== null || message.credentials !== null || this.#tellsCredentials(peer)) peer.#attach(task, message, start);
    if ((message.flags & MSG_OOB) !== 0 && io.remaining === 0) {
      incoming.markUrgent();
      sendSigurg(peer);
      peer.queue.notify(IN | POLLPRI);
    } else peer.queue.notify(IN);
    return n;
  }

  /** unix_maybe_add_creds() */
  #tellsCredentials(peer: UnixStreamSocket): boolean {
    return this.wantsCredentials || peer.wantsCredentials || peer.waitsIn !== null;
  }

  /** The bytes from `start` on belong to `message`. */
  #attach(task: Task, message: SendMessage, start: number): void {
    const credentials = message.credentials ?? credentialsOf(task, "real");
    const end = this.incoming.tail;
    const last = this.#stretches.at(-1);
    if (message.rights === null) {
      if (last !== undefined && last.end === start && last.rights === null && sameCredentials(last.credentials, credentials)) {
        last.end = end;
        return;
      }
      this.#stretches.push({ start, end, credentials, rights: null });
      return;
    }
    const rights = new Rights(message.rights, task.creds.uid, this);
    message.rights = null;
    this.#stretches.push({ start, end, credentials, rights });
  }

  override receive(task: Task, message: ReceiveMessage, io: Io): number {
    if (this.state !== "connected") return EINVAL;
    const isPeek = (message.flags & MSG_PEEK) !== 0;
    const { incoming, settings } = this;
    if ((message.flags & MSG_OOB) !== 0) {
      message.isComplete = true;
      const n = incoming.readUrgent(io, isPeek, settings.isOobInline);
      if (n > 0) message.outFlags |= MSG_OOB;
      return n;
    }
    if (io.remaining === 0 && incoming.length > 0) {
      message.isComplete = true;
      this.#receiveNothing(task, message, isPeek);
      return 0;
    }
    if (!isPeek) incoming.passMark(settings.isOobInline);
    const offset = isPeek ? Math.max(0, settings.peekOffset) : 0;
    if (incoming.length <= offset) return this.#endOfStream(message);
    if (isPeek) message.isComplete = true;
    const sender = this.peer;
    message.address = sender === null ? null : sender.name;
    const n =
      this.#stretches.length === 0 && !this.wantsCredentials
        ? this.#move(message, io, offset, incoming.beforeMark(), isPeek)
        : this.#receiveStretches(task, message, io, offset, isPeek);
    if (n > 0 && isPeek && settings.peekOffset >= 0) settings.peekOffset += n;
    else if (n > 0 && settings.peekOffset > 0) settings.peekOffset = Math.max(0, settings.peekOffset - n);
    if (!isPeek && n > 0) this.#uncharge(n);
    return n;
  }

  /** A read of no bytes takes the files that come with the next ones (unix_stream_read_generic). */
  #receiveNothing(task: Task, message: ReceiveMessage, isPeek: boolean): void {
    const { head } = this.incoming;
    const stretch = this.#stretches.find(({ start, end }) => start <= head && head < end) ?? null;
    const rights = stretch?.rights ?? null;
    if (stretch !== null && !isPeek) stretch.rights = null;
    if (rights !== null || this.wantsCredentials) deliverScm(task, message, this.settings, stretch?.credentials ?? null, rights, isPeek);
  }

  #move(message: ReceiveMessage, io: Io, offset: number, limit: number, isPeek: boolean): number {
    if (limit !== Number.POSITIVE_INFINITY) message.isComplete = true;
    return isPeek ? this.incoming.peek(io, offset, limit) : this.incoming.drain(io, limit);
  }

  /** unix_stream_read_generic(): bytes of one sender, up to the end of what has files. */
  #receiveStretches(task: Task, message: ReceiveMessage, io: Io, from: number, isPeek: boolean): number {
    const { incoming } = this;
    const passesCredentials = this.wantsCredentials;
    let credentials: SocketCredentials | null = null;
    let rights: Rights | null = null;
    let total = 0;
    let index = 0;
    let offset = from;
    while (io.remaining > 0 && offset < incoming.length && rights === null) {
      const position = incoming.head + offset;
      while (index < this.#stretches.length && this.#stretches[index].end <= position) index++;
      const next = index < this.#stretches.length ? this.#stretches[index] : null;
      const inside = next !== null && next.start <= position ? next : null;
      const own = inside?.credentials ?? null;
      if (total === 0) credentials = own;
      else if (passesCredentials && !sameCredentials(credentials, own)) {
        message.isComplete = true;
        break;
      }
      const end = inside !== null ? inside.end : next !== null ? next.start : incoming.tail;
      const limit = Math.min(end - position, incoming.beforeMark());
      const n = this.#move(message, io, offset, limit, isPeek);
      if (n <= 0) {
        if (total === 0) return n;
        break;
      }
      total += n;
      if (isPeek) offset += n;
      if (inside !== null && inside.rights !== null) {
        rights = inside.rights;
        if (!isPeek) inside.rights = null;
        message.isComplete = true;
      }
      if (!isPeek && inside !== null && inside.end <= incoming.head) {
        this.#stretches.splice(index, 1);
      }
      if (n < limit) break;
    }
    if (passesCredentials || rights !== null) deliverScm(task, message, this.settings, credentials, rights, isPeek);
    return total;
  }

  #endOfStream(message: ReceiveMessage): number {
    message.isComplete = true;
    if (this.error !== 0) return this.takeError();
    if ((this.shutdownMask & RCV_SHUTDOWN) !== 0) return 0;
    message.isComplete = false;
    return EAGAIN;
  }

  /** `count` bytes were read: a starved writer hears of it when three quarters of its buffer are free (unix_writable). */
  #uncharge(count: number): void {
    const left = this.incoming.length;
    // Sends are not told apart any more; each byte bears its part of the overhead.
    this.#charged = left === 0 ? 0 : Math.floor((this.#charged * left) / (left + count));
    const { peer } = this;
    if (peer === null || !peer.isStarved || this.#charged * 4 > peer.settings.sendBuffer) return;
    peer.isStarved = false;
    peer.queue.notify(OUT);
  }

  override readiness(): number {
    const mask = this.shutdownMask;
    if (this.state === "listening") return this.acceptQueue.length > 0 ? IN : 0;
    let events = 0;
    if (this.error !== 0) events |= POLLERR;
    if (mask === SHUTDOWN_MASK) events |= POLLHUP;
    if ((mask & RCV_SHUTDOWN) !== 0) events |= IN | POLLRDHUP;
    if (this.incoming.length > 0 && this.incoming.readable(this.settings.isOobInline) > 0) events |= IN;
    if (this.incoming.hasUrgent) events |= POLLPRI;
    if (this.state === "closed") events |= POLLHUP;
    const queued = this.peer === null ? 0 : (this.peer as UnixStreamSocket).#charged;
    if (queued * 4 <= this.settings.sendBuffer) events |= OUT;
    else this.isStarved = true;
    return events;
  }

  override inputQueue(): number {
    return this.state === "listening" ? EINVAL : this.incoming.readable(this.settings.isOobInline);
  }

  override outputQueue(): number {
    if (this.state === "listening") return EINVAL;
    return this.peer === null ? 0 : (this.peer as UnixStreamSocket).#charged;
  }

  override atMark(): number {
    return this.incoming.isAtMark ? 1 : 0;
  }

  protected override get hasUnread(): boolean {
    return this.incoming.length > 0;
  }

  override purge(): void {
    const stretches = this.#stretches;
    this.#stretches = [];
    for (const { rights } of stretches) rights?.drop();
    this.incoming.clear();
    this.#charged = 0;
  }

  override *heldRights(): Iterable<readonly OpenFile[]> {
    for (const { rights } of this.#stretches) if (rights !== null) yield rights.files;
  }
}
