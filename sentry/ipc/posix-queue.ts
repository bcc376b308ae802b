/** POSIX message queues (mq_overview(7), ipc/mqueue.c). */

import { SEEK_CUR, SEEK_END, SEEK_SET } from "../../syscall-tables/flags/fd.ts";
import { O_ACCMODE, O_NONBLOCK } from "../../syscall-tables/flags/open.ts";
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../syscall-tables/flags/poll.ts";
import { SI_MESGQ, SIGEV_SIGNAL } from "../../syscall-tables/flags/signal.ts";
import { EAGAIN, EBUSY, EINVAL, EMSGSIZE } from "../abi/errno.ts";

import { WaitQueue } from "../task/blocking.ts";
import type { Process } from "../task/process.ts";
import { sendSignalToProcess } from "../task/signals.ts";
import type { Task } from "../task/task.ts";
import type { Inode } from "../vfs/inode.ts";
import type { Io } from "../vfs/io.ts";
import { OpenFile } from "../vfs/open-file.ts";
import type { Path } from "../vfs/path.ts";

export interface PosixMessage {
  readonly priority: number;
  readonly data: Uint8Array;
}

/** SIGEV_THREAD: the C library has a thread that reads `cookie` from a netlink socket. */
export interface ThreadNotice {
  readonly socket: { answer(data: Uint8Array): void };
  readonly cookie: Uint8Array;
}

/** The cookie's last byte (NOTIFY_WOKENUP, NOTIFY_REMOVED). */
const WOKEN = 1;
const REMOVED = 2;

/** mq_notify(3) */
export interface Notification {
  readonly process: Process;
  /** SIGEV_NONE, SIGEV_SIGNAL or SIGEV_THREAD */
  readonly kind: number;
  readonly signal: number;
  readonly valueLo: number;
  readonly valueHi: number;
  readonly file: PosixQueueFile;
  readonly notice: ThreadNotice | null;
}

/** set_cookie(), netlink_sendskb() */
const tellThread = ({ socket, cookie }: ThreadNotice, code: number): void => {
  const data = cookie.slice();
  data[data.length - 1] = code;
  socket.answer(data);
};

export class PosixQueue {
  readonly inode: Inode;
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** Highest priority first, older first among equals. */
  readonly messages: PosixMessage[] = [];
  readonly queue = new WaitQueue();
  notification: Notification | null = null;
  /** Tasks asleep in mq_receive(3): a message for them notifies nobody. */
  receivers = 0;

  constructor(inode: Inode, maxMessages: number, maxBytes: number) {
    this.inode = inode;
    this.maxMessages = maxMessages;
    this.maxBytes = maxBytes;
  }

  get byteCount(): number {
    let total = 0;
    for (const { data } of this.messages) total += data.length;
    return total;
  }

  get isFull(): boolean {
    return this.messages.length >= this.maxMessages;
  }

  /** 0, or EAGAIN when full. */
  send(sender: Task, message: PosixMessage): number {
    if (this.isFull) return EAGAIN;
    const wasEmpty = this.messages.length === 0;
    let at = this.messages.length;
    while (at > 0 && this.messages[at - 1].priority < message.priority) at--;
    this.messages.splice(at, 0, message);
    if (wasEmpty && this.receivers === 0) this.#tell(sender);
    this.queue.notify(POLLIN | POLLRDNORM);
    return 0;
  }

  /** __do_notify(): once, then the registration is gone. */
  #tell(sender: Task): void {
    const { notification } = this;
    if (notification === null) return;
    this.notification = null;
    if (notification.notice !== null) tellThread(notification.notice, WOKEN);
    if (notification.kind !== SIGEV_SIGNAL || notification.process.isZombie) return;
    sendSignalToProcess(notification.process, {
      signal: notification.signal,
      code: SI_MESGQ,
      pid: sender.process.leader.pid.in(notification.process.pidNamespace),
      uid: sender.creds.uid,
      value: notification.valueLo,
      valueHi: notification.valueHi,
    });
  }

  receive(): PosixMessage | null {
    const message = this.messages.shift() ?? null;
    if (message !== null) this.queue.notify(POLLOUT | POLLWRNORM);
    return message;
  }

  register(notification: Notification): number {
    if (this.notification !== null) return EBUSY;
    this.notification = notification;
    return 0;
  }

  /** remove_notification() */
  unregister(process: Process): void {
    const { notification } = this;
    if (notification?.process !== process) return;
    this.notification = null;
    if (notification.notice !== null) tellThread(notification.notice, REMOVED);
  }
}

export class PosixQueueFile extends OpenFile {
  readonly mq: PosixQueue;
  readonly name: string;

  /** `path`: opened as a file of the mqueue filesystem. */
  constructor(mq: PosixQueue, name: string, flags: number, path: Path | null = null) {
    super(mq.inode, path, flags & (O_ACCMODE | O_NONBLOCK));
    this.mq = mq;
    this.name = name;
  }

  /** mqueue_read_file(): the state as text. */
  override read(io: Io, _task: Task): number {
    const n = this.pread(io, this.position);
    if (n > 0) this.position += n;
    return n;
  }

  override pread(io: Io, offset: number): number {
    const { notification } = this.mq;
    const size = String(this.mq.byteCount).padEnd(10);
    const kind = String(notification?.kind ?? 0).padEnd(5);
    const signal = String(notification?.kind === SIGEV_SIGNAL ? notification.signal : 0).padEnd(5);
    const pid = String(notification?.process.pid ?? 0).padEnd(6);
    const text = Buffer.from(`QSIZE:${size} NOTIFY:${kind} SIGNO:${signal} NOTIFY_PID:${pid}\n`, "latin1");
    return offset >= text.length ? 0 : io.put(text, offset, text.length - offset);
  }

  override pwrite(): number {
    return EINVAL;
  }

  override get splicesOut(): boolean {
    return false;
  }
  override get splicesIn(): boolean {
    return false;
  }

  override get isSeekable(): boolean {
    return true;
  }

  /** default_llseek() of a file of FILENT_SIZE bytes. */
  override seek(offset: number, whence: number): number {
    const from = whence === SEEK_SET ? 0 : whence === SEEK_CUR ? this.position : whence === SEEK_END ? this.inode.size : Number.NaN;
    if (!(from + offset >= 0)) return EINVAL;
    this.position = from + offset;
    return this.position;
  }

  /** simple_setattr(): a size that means nothing. */
  override truncate(): number {
    return 0;
  }

  override readiness(): number {
    const readable = this.mq.messages.length > 0 ? POLLIN | POLLRDNORM : 0;
    return this.mq.isFull ? readable : readable | POLLOUT | POLLWRNORM;
  }

  override get waitQueue(): WaitQueue {
    return this.mq.queue;
  }

  /** Every close(2) by the registered process ends its registration (mqueue_flush_file). */
  override flush(task: Task): number {
    this.mq.unregister(task.process);
    return 0;
  }

  override get anonymousName(): string {
    return `/${this.name}`;
  }

  /** EMSGSIZE for a message that no slot can hold. */
  checkLength(length: number): number {
    return length > this.mq.maxBytes ? EMSGSIZE : 0;
  }
}
