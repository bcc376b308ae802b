/** SOCK_DGRAM and SOCK_SEQPACKET: messages that are received whole. */
import { POLLERR, POLLHUP, POLLRDHUP } from "../../../syscall-tables/flags/poll.ts";
import { MSG_DONTWAIT, MSG_OOB, MSG_PEEK, MSG_TRUNC, SOCK_SEQPACKET } from "../../../syscall-tables/flags/socket.ts";
import {
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  EPIPE,
  isErrno,
} from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { plainPacket } from "../filter/filter-packet.ts";
import { truesize } from "../inet/datagram.ts";
import { putStamps } from "../inet/inet-control.ts";
import type { ReceiveMessage, SendMessage, SocketCredentials } from "../message.ts";
import { RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK, type SocketOptions } from "../socket.ts";
import { isUnspecified } from "./names.ts";
import { Rights } from "./rights.ts";
import { credentialsOf, deliverScm } from "./scm.ts";
import { IN, OUT, UnixSocket } from "./unix-socket.ts";

interface Packet {
  readonly data: Uint8Array;
  readonly from: UnixPacketSocket;
  /** The sender's name when it was sent. */
  readonly address: Uint8Array | null;
  /** Null when neither end asked for them while it was sent (maybe_add_creds). */
  readonly credentials: SocketCredentials | null;
  readonly rights: Rights | null;
  readonly truesize: number;
  readonly sec: number;
  readonly nsec: number;
}

export class UnixPacketSocket extends UnixSocket {
  #received: Packet[] = [];
  /** Bytes sent that nobody has received, with overhead: limited by SO_SNDBUF. */
  #charged = 0;

  constructor(options: SocketOptions) {
    super(options);
    // unix_create1(): datagrams queue up to net.unix.max_dgram_qlen.
    this.backlog = options.net.maxDgramQlen;
  }

  get #isSequential(): boolean {
    return this.type === SOCK_SEQPACKET;
  }

  // ---- connecting

  override connect(task: Task, bytes: Uint8Array, _isNonblocking: boolean): number {
    if (this.#isSequential) return this.connectStream(task, bytes);
    if (bytes.length < 2) return EINVAL;
    if (isUnspecified(bytes)) {
      this.#changePeer(null);
      return 0;
    }
    if (this.mustAutobind) {
      const error = this.autobind();
      if (error < 0) return error;
    }
    const other = this.find(task, bytes);
    if (isErrno(other)) return other;
    if (!(other instanceof UnixPacketSocket)) return ECONNREFUSED;
    if (!this.#maySendTo(other)) return EPERM;
    this.#changePeer(other);
    return 0;
  }

  /** unix_dgram_disconnected(): what the old peer has sent is thrown away, and it is told if it is connected here. */
  #changePeer(peer: UnixPacketSocket | null): void {
    const old = this.peer;
    this.peer = peer;
    this.state = peer === null ? "closed" : "connected";
    if (old !== null && old !== peer && this.#received.length > 0) {
      this.purge();
      this.tellCrowd();
      if (!old.isReleased && old.peer === this) {
        old.error = ECONNRESET;
        old.queue.notify(POLLERR);
      }
    }
    this.queue.notify(OUT);
  }

  /** unix_may_send(): a connected socket hears its peer alone. */
  #maySendTo(other: UnixPacketSocket): boolean {
    return other.peer === null || other.peer === this;
  }

  protected override createChild(task: Task): UnixSocket {
    return new UnixPacketSocket(this.childOptions(task));
  }

  // ---- sending

  override send(task: Task, message: SendMessage, io: Io): number {
    if (this.#isSequential) {
      if (this.error !== 0) return this.takeError();
      if (this.state !== "connected") return ENOTCONN;
    }
    if ((message.flags & MSG_OOB) !== 0) return EOPNOTSUPP;
    const length = io.remaining;
    if (length > this.settings.sendBuffer - 32) return EMSGSIZE;
    if (this.mustAutobind) {
      const error = this.autobind();
      if (error < 0) return error;
    }
    if (this.error !== 0) return this.takeError();
    if ((this.shutdownMask & SEND_SHUTDOWN) !== 0) return EPIPE;
    if (this.#charged >= this.settings.sendBuffer) {
      this.isStarved = true;
      return EAGAIN;
    }
    const other = this.#destination(task, message);
    if (typeof other === "number") return other;
    if (other.isReleased) return this.#peerIsGone(other);
    if (!this.#maySendTo(other)) return EPERM;
    if ((other.shutdownMask & RCV_SHUTDOWN) !== 0) return EPIPE;
    if (other !== this && other.peer !== this && other.isFull) {
      other.crowdIn(this);
      return EAGAIN;
    }
    const data = new Uint8Array(length);
    if (length > 0 && io.take(data, 0, length) !== length) return EFAULT;
    const { filter } = other.settings;
    const kept = filter === null ? length : filter.run(plainPacket(data));
    // What the receiver's filter drops was sent all the same (unix_dgram_sendmsg).
    if (filter !== null && kept === 0) return length;
    other.#enqueue(this.#pack(task, message, kept < length ? data.slice(0, kept) : data, other));
    return length;
  }

  #destination(task: Task, message: SendMessage): UnixPacketSocket | number {
    if (message.address !== null && !this.#isSequential) {
      const found = this.find(task, message.address);
      if (isErrno(found)) return found;
      return found instanceof UnixPacketSocket ? found : ECONNREFUSED;
    }
    return (this.peer as UnixPacketSocket | null) ?? ENOTCONN;
  }

  #peerIsGone(other: UnixPacketSocket): number {
    if (this.#isSequential) return EPIPE;
    if (this.peer === other) {
      this.peer = null;
      this.state = "closed";
    }
    return ECONNREFUSED;
  }

  #pack(task: Task, message: SendMessage, data: Uint8Array, other: UnixPacketSocket): Packet {
    const size = truesize(data.length);
    this.#charged += size;
    const rights = message.rights === null ? null : new Rights(message.rights, task.creds.uid, other);
    message.rights = null;
    const isTold = this.wantsCredentials || other.wantsCredentials || other.waitsIn !== null;
    const credentials = message.credentials ?? (isTold ? credentialsOf(task, "real") : null);
    let sec = 0;
    let nsec = 0;
    if (other.settings.wantsStamps) {
      const { clock } = this.kernel;
      clock.readRealtime();
      sec = clock.sec;
      nsec = clock.nsec;
    }
    return { data, from: this, address: this.name, credentials, rights, truesize: size, sec, nsec };
  }

  #enqueue(packet: Packet): void {
    this.#received.push(packet);
    this.queue.notify(IN);
  }

  /** unix_recvq_full() */
  get isFull(): boolean {
    return this.#received.length > this.backlog;
  }

  /** Some of what this socket has sent was received. */
  #uncharge(size: number): void {
    this.#charged -= size;
    if (!this.isStarved || this.#charged * 4 > this.settings.sendBuffer) return;
    this.isStarved = false;
    this.queue.notify(OUT);
  }

  // ---- receiving

  override receive(task: Task, message: ReceiveMessage, io: Io): number {
    message.isComplete = true;
    if (this.#isSequential && this.state !== "connected") return ENOTCONN;
    if ((message.flags & MSG_OOB) !== 0) return EOPNOTSUPP;
    if (this.error !== 0) return this.takeError();
    if (this.#received.length === 0) return this.#nothing(message);
    const isPeek = (message.flags & MSG_PEEK) !== 0;
    const { settings } = this;
    let offset = isPeek ? Math.max(0, settings.peekOffset) : 0;
    let index = 0;
    // Messages that the offset of SO_PEEK_OFF covers are passed over (__skb_try_recv_from_queue).
    while (index < this.#received.length && offset > 0 && offset >= this.#received[index].data.length) {
      offset -= this.#received[index++].data.length;
    }
    if (index === this.#received.length) return this.#nothing(message);
    const packet = this.#received[index];
    const left = packet.data.length - offset;
    const length = Math.min(io.remaining, left);
    if (length > 0 && io.put(packet.data, offset, length) !== length) {
      if (!isPeek) {
        this.#take(packet);
        packet.rights?.drop();
      }
      return EFAULT;
    }
    if (isPeek) {
      if (settings.peekOffset >= 0) settings.peekOffset += length;
    } else {
      if (settings.peekOffset > 0) settings.peekOffset = Math.max(0, settings.peekOffset - packet.data.length);
      this.#take(packet);
    }
    if (length < left) message.outFlags |= MSG_TRUNC;
    message.address = packet.address;
    if (settings.timestamp !== 0) putStamps(message, settings, this.kernel.clock, packet);
    if (this.wantsCredentials || packet.rights !== null) {
      deliverScm(task, message, settings, packet.credentials, packet.rights, isPeek);
    }
    return (message.flags & MSG_TRUNC) !== 0 ? left : length;
  }

  #nothing(message: ReceiveMessage): number {
    const isShut = (this.shutdownMask & RCV_SHUTDOWN) !== 0;
    // A datagram socket that would not sleep does not look at the shutdown.
    if (isShut && (this.#isSequential || (message.flags & MSG_DONTWAIT) === 0)) return 0;
    return EAGAIN;
  }

  #take(packet: Packet): void {
    this.#received.shift();
    packet.from.#uncharge(packet.truesize);
    if (!this.isFull) this.tellCrowd();
  }

  override readiness(): number {
    if (this.state === "listening") return this.acceptQueue.length > 0 ? IN : 0;
    const mask = this.shutdownMask;
    let events = 0;
    if (this.error !== 0) events |= POLLERR;
    if (mask === SHUTDOWN_MASK) events |= POLLHUP;
    if ((mask & RCV_SHUTDOWN) !== 0) events |= IN | POLLRDHUP;
    if (this.#received.length > 0) events |= IN;
    if (this.#isSequential && this.state === "closed") events |= POLLHUP;
    if (this.#isWritable()) events |= OUT;
    return events;
  }

  #isWritable(): boolean {
    if (this.#charged * 4 > this.settings.sendBuffer) {
      this.isStarved = true;
      return false;
    }
    const peer = this.peer as UnixPacketSocket | null;
    if (peer === null || peer.peer === this || peer.isReleased || !peer.isFull) return true;
    peer.crowdIn(this);
    return false;
  }

  /** The next message's length; of sequential packets, all bytes. */
  override inputQueue(): number {
    if (this.state === "listening") return EINVAL;
    if (!this.#isSequential) return this.#received.length > 0 ? this.#received[0].data.length : 0;
    let total = 0;
    for (const packet of this.#received) total += packet.data.length;
    return total;
  }

  override atMark(): number {
    return EOPNOTSUPP;
  }

  override outputQueue(): number {
    return this.#charged;
  }

  protected override get hasUnread(): boolean {
    return this.#received.length > 0;
  }

  override purge(): void {
    const packets = this.#received;
    this.#received = [];
    for (const packet of packets) {
      packet.from.#uncharge(packet.truesize);
      packet.rights?.drop();
    }
  }

  override *heldRights(): Iterable<readonly OpenFile[]> {
    for (const { rights } of this.#received) if (rights !== null) yield rights.files;
  }
}
