/**
 * A socket: an open file with the operations of socket(2). Like every open file it never
 * sleeps: EAGAIN, and `queue` is notified. Families subclass it.
 */

import { O_NONBLOCK, O_RDWR, S_IFSOCK } from "../../syscall-tables/flags/open.ts";
import { SIGPIPE } from "../../syscall-tables/flags/signal.ts";
import { MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, SOCK_STREAM } from "../../syscall-tables/flags/socket.ts";
import { SOL_SOCKET } from "../../syscall-tables/flags/socket-options.ts";
import { EAGAIN, EINVAL, ENOTCONN, EOPNOTSUPP, EPIPE, type Errno } from "../abi/errno.ts";

import type { Kernel } from "../kernel.ts";
import type { Domain } from "../landlock/domain.ts";
import { WaitQueue } from "../task/blocking.ts";
import { WriteOp } from "../task/file-ops.ts";
import { userSignal } from "../task/signal-info.ts";
import { sendSignalToTask } from "../task/signals.ts";
import type { Task } from "../task/task.ts";
import { anonInode } from "../vfs/anon.ts";

import type { Io } from "../vfs/io.ts";
import { OpenFile } from "../vfs/open-file.ts";
import type { ControlMessage } from "./control.ts";
import { socketIoctl } from "./ioctl.ts";
import { ReceiveMessage, SendMessage } from "./message.ts";
import type { NetworkNamespace } from "./network-namespace.ts";
import { SocketSettings } from "./settings.ts";
import { getSocketOption, setSocketOption } from "./socket-options.ts";

export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;
export const SHUTDOWN_MASK = 3;

/** What a new socket is made of. */
export interface SocketOptions {
  readonly kernel: Kernel;
  readonly net: NetworkNamespace;
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  /** O_NONBLOCK or 0. */
  readonly flags: number;
  readonly uid: number;
  readonly gid: number;
  /** The Landlock domain of its maker. */
  readonly domain?: Domain | null;
  /** Where its waiters wait, when it is not a plain queue. */
  readonly queue?: WaitQueue;
}

/** getsockopt(2) needs a larger buffer: ERANGE with the length that would do. */
export class OptionTooLong {
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }
}

/** A value whose length is counted in other units than bytes. */
export class CountedOption {
  readonly bytes: Uint8Array;
  readonly count: number;

  constructor(bytes: Uint8Array, count: number) {
    this.bytes = bytes;
    this.count = count;
  }
}

export type OptionValue = Uint8Array | Errno | OptionTooLong | CountedOption;

// What read(2) and write(2) pass: no address, no control messages.
const plainSend = new SendMessage();
const plainReceive = new ReceiveMessage();

/** SIGPIPE to the writing thread. */
export const raiseSigpipe = (task: Task): void => {
  sendSignalToTask(task, userSignal(SIGPIPE, task, task));
};

export abstract class Socket extends OpenFile {
  readonly kernel: Kernel;
  readonly net: NetworkNamespace;
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  readonly queue: WaitQueue;
  readonly settings = new SocketSettings();
  /** sk_err: an Errno that the next call reports and clears, or 0. */
  error = 0;
  /** RCV_SHUTDOWN, SEND_SHUTDOWN */
  shutdownMask = 0;
  /** The last reference is gone (SOCK_DEAD). */
  isReleased = false;
  #cookie = 0;

  constructor(options: SocketOptions) {
    super(anonInode(options.kernel, S_IFSOCK | 0o777, options.uid, options.gid), null, O_RDWR | (options.flags & O_NONBLOCK));
    this.kernel = options.kernel;
    this.net = options.net;
    this.family = options.family;
    this.type = options.type;
    this.protocol = options.protocol;
    this.queue = options.queue ?? new WaitQueue();
    this.net.socketsUsed++;
  }

  /** A byte stream: sends go on until all is taken, receives join what was sent apart. */
  get isStream(): boolean {
    return this.type === SOCK_STREAM;
  }

  /** EPIPE comes with SIGPIPE: streams only. */
  get raisesSigpipe(): boolean {
    return this.isStream;
  }

  /** sock_error() */
  takeError(): number {
    const { error } = this;
    this.error = 0;
    return error;
  }

  /** SO_COOKIE: a number that no other socket has. */
  get cookie(): number {
    if (this.#cookie === 0) this.#cookie = this.net.nextCookie();
    return this.#cookie;
  }

  bind(_task: Task, _address: Uint8Array): number {
    return EOPNOTSUPP;
  }

  /** Starts to connect: 0, an errno, EINPROGRESS while it goes on, or EAGAIN when it should be tried again. `isNonblocking`: the caller will not wait. */
  connect(_task: Task, _address: Uint8Array, _isNonblocking: boolean): number {
    return EOPNOTSUPP;
  }

  /** What became of a connect that had to wait; EAGAIN while it goes on. */
  connected(_task: Task, _address: Uint8Array): number {
    return EOPNOTSUPP;
  }

  listen(_task: Task, _backlog: number): number {
    return EOPNOTSUPP;
  }

  /** The next connection, or EAGAIN. `flags`: SOCK_NONBLOCK. */
  accept(_task: Task, _flags: number): Socket | Errno {
    return EOPNOTSUPP;
  }

  /** Is somebody waiting for accept(2) (SO_ACCEPTCONN)? */
  get isListening(): boolean {
    return false;
  }

  abstract localName(): Uint8Array | Errno;

  /** The peer's address, or ENOTCONN. */
  peerName(): Uint8Array | Errno {
    return ENOTCONN;
  }

  /** socketpair(2): makes this socket and `other` peers. */
  pair(_task: Task, _other: Socket): number {
    return EOPNOTSUPP;
  }

  /** Checks the control messages of a send and keeps what the socket needs in `message`. 0 or an errno. */
  prepareControl(_task: Task, _message: SendMessage, _control: ControlMessage[]): number {
    return 0;
  }

  /** Bytes taken, an errno, or EAGAIN. */
  abstract send(task: Task, message: SendMessage, io: Io): number;

  /** Bytes moved, an errno, or EAGAIN. */
  abstract receive(task: Task, message: ReceiveMessage, io: Io): number;

  shutdown(_task: Task, _how: number): number {
    return EOPNOTSUPP;
  }

  getOption(_task: Task, _level: number, _name: number, _length: number): OptionValue {
    return EOPNOTSUPP;
  }

  setOption(_task: Task, _level: number, _name: number, _value: Uint8Array): number {
    return EOPNOTSUPP;
  }

  /** sock_getsockopt(): SOL_SOCKET is common to all. */
  option(task: Task, level: number, name: number, length: number): OptionValue {
    return level === SOL_SOCKET ? getSocketOption(this, task, name, length) : this.getOption(task, level, name, length);
  }

  changeOption(task: Task, level: number, name: number, value: Uint8Array): number {
    return level === SOL_SOCKET ? setSocketOption(this, task, name, value) : this.setOption(task, level, name, value);
  }

  /** FIONREAD (SIOCINQ); an errno where it has no meaning. */
  inputQueue(): number {
    return EINVAL;
  }

  /** SIOCOUTQ */
  outputQueue(): number {
    return EINVAL;
  }

  /** SIOCATMARK: 0, 1 or an errno. */
  atMark(): number {
    return EINVAL;
  }

  /** How many bytes a receive of `length` bytes waits for (sock_rcvlowat). */
  receiveTarget(flags: number, length: number): number {
    if (!this.isStream || (flags & MSG_PEEK) !== 0) return 0;
    const wanted = (flags & MSG_WAITALL) !== 0 ? length : Math.min(this.settings.receiveLowWater, length);
    return Math.max(1, wanted);
  }

  override read(io: Io, task: Task): number {
    if (io.remaining === 0) return 0;
    const lowWater = this.settings.receiveLowWater;
    if (lowWater > 1 && this.isStream && !this.isNonblocking && this.#isBelow(Math.min(lowWater, io.remaining))) return EAGAIN;
    return this.receive(task, plainReceive.reset(this.isNonblocking ? MSG_DONTWAIT : 0, null), io);
  }

  /** SO_RCVLOWAT holds a read back while more can come. */
  #isBelow(lowWater: number): boolean {
    const queued = this.inputQueue();
    return queued > 0 && queued < lowWater && (this.shutdownMask & RCV_SHUTDOWN) === 0 && this.error === 0;
  }

  override write(io: Io, task: Task): number {
    const n = this.send(task, plainSend.reset(this.isNonblocking ? MSG_DONTWAIT : 0, null), io);
    // A write that has moved some bytes reports those and raises nothing.
    if (n === EPIPE && this.raisesSigpipe && !(task.op instanceof WriteOp && task.op.progress > 0)) raiseSigpipe(task);
    return n;
  }

  override ioctl(task: Task, command: number, argument: number): number {
    return socketIoctl(this, task, command, argument);
  }

  override get writesWhole(): boolean {
    return this.isStream;
  }

  override get readTimeoutNs(): number {
    return this.settings.receiveTimeoutNs;
  }

  override get writeTimeoutNs(): number {
    return this.settings.sendTimeoutNs;
  }

  override get waitQueue(): WaitQueue {
    return this.queue;
  }

  override get anonymousName(): string {
    return `socket:[${this.inode.ino}]`;
  }

  protected override release(): void {
    this.isReleased = true;
    this.net.socketsUsed--;
    this.close();
  }

  /** The last reference is gone. */
  protected abstract close(): void;
}
