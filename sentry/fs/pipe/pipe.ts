/** pipe(7): a ring of bytes between read ends and write ends; also what stands behind a FIFO. */

import { FIONREAD } from "../../../syscall-tables/flags/ioctl.ts";
import { O_ACCMODE, O_DIRECT, O_NONBLOCK, O_RDONLY, O_WRONLY, S_IFIFO } from "../../../syscall-tables/flags/open.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { SIGPIPE } from "../../../syscall-tables/flags/signal.ts";
import { CAP_SYS_RESOURCE } from "../../../syscall-tables/flags/system.ts";
import { EAGAIN, EBADF, EINVAL, ENOTTY, EPERM, EPIPE } from "../../abi/errno.ts";

import type { Kernel } from "../../kernel.ts";
import { WaitQueue } from "../../task/blocking.ts";
import { userSignal } from "../../task/signal-info.ts";
import { sendSignalToTask } from "../../task/signals.ts";
import type { Task } from "../../task/task.ts";
import { anonInode } from "../../vfs/anon.ts";
import type { Inode } from "../../vfs/inode.ts";

import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { PAGE_SIZE, PipeRing } from "./pipe-ring.ts";
/** /proc/sys/fs/pipe-max-size */
export const PIPE_MAX_SIZE = 1 << 20;
/** Nobody's pipe is larger: what is in it lies in the sentry's memory, and root inside is nobody the host would trust with that. */
const PRIVILEGED_MAX_SIZE = 32 << 20;

export class Pipe {
  /** Made by pipe(2): its ends opened again through /proc/self/fd wait for nobody (fifo_open's is_pipe). */
  readonly isAnonymous: boolean;
  readonly ring = new PipeRing();
  readers = 0;
  writers = 0;
  /** How often an end was ever opened: a FIFO's open waits for these to move. */
  readerGeneration = 0;
  writerGeneration = 0;
  /** Waiters at read ends, write ends, and ends that are both (a FIFO opened O_RDWR). */
  readonly readQueue = new WaitQueue();
  readonly writeQueue = new WaitQueue();
  readonly bothQueue = new WaitQueue();

  constructor(isAnonymous = false) {
    this.isAnonymous = isAnonymous;
  }

  notifyReaders(events: number): void {
    if (!this.readQueue.isEmpty) this.readQueue.notify(events);
    if (!this.bothQueue.isEmpty) this.bothQueue.notify(events);
  }

  notifyWriters(events: number): void {
    if (!this.writeQueue.isEmpty) this.writeQueue.notify(events);
    if (!this.bothQueue.isEmpty) this.bothQueue.notify(events);
  }

  /** The ring lost bytes; writers hear of it only when it was full, which an edge-triggered epoll can tell. */
  drained(wasFull: boolean): void {
    if (wasFull && !this.ring.isFull) this.notifyWriters(POLLOUT | POLLWRNORM);
  }

  filled(): void {
    this.notifyReaders(POLLIN | POLLRDNORM);
  }
}

/** SIGPIPE to the writing thread, as send_sig(SIGPIPE, current, 0) does. */
export const raiseSigpipe = (task: Task): void => {
  sendSignalToTask(task, userSignal(SIGPIPE, task, task));
};

export class PipeFile extends OpenFile {
  readonly pipe: Pipe;
  /** A FIFO opened without the other end waits until this generation of it has passed; -1: it does not wait. */
  readonly #partnerGeneration: number;
  /** A reader that opened a FIFO without a writer sees no POLLHUP until one has come and gone. */
  readonly #hangupAfter: number;

  constructor(pipe: Pipe, inode: Inode, path: Path | null, flags: number) {
    super(inode, path, flags);
    this.pipe = pipe;
    const access = flags & O_ACCMODE;
    const isAlone = !pipe.isAnonymous && ((access === O_RDONLY && pipe.writers === 0) || (access === O_WRONLY && pipe.readers === 0));
    this.#hangupAfter = isAlone ? pipe.writerGeneration : -1;
    this.#partnerGeneration = !isAlone || this.isNonblocking ? -1 : access === O_RDONLY ? pipe.writerGeneration : pipe.readerGeneration;
    if (this.canRead) {
      pipe.readerGeneration++;
      if (pipe.readers++ === 0) pipe.notifyWriters(POLLOUT | POLLWRNORM);
    }
    if (this.canWrite) {
      pipe.writerGeneration++;
      if (pipe.writers++ === 0) pipe.notifyReaders(POLLIN | POLLRDNORM);
    }
  }

  /** wait_for_partner(): that the other end was opened once is enough, though it may be closed again. */
  override opening(_task: Task): number {
    if (this.#partnerGeneration === -1) return 0;
    const { pipe } = this;
    return (this.canRead ? pipe.writerGeneration : pipe.readerGeneration) === this.#partnerGeneration ? EAGAIN : 0;
  }

  protected override release(): void {
    const { pipe } = this;
    if (this.canRead) pipe.readers--;
    if (this.canWrite) pipe.writers--;
    if (pipe.readers === 0 && pipe.writers === 0) {
      this.inode.pipe = null;
      return;
    }
    if (this.canRead && pipe.readers === 0) pipe.notifyWriters(POLLOUT | POLLWRNORM | POLLERR | POLLHUP);
    if (this.canWrite && pipe.writers === 0) pipe.notifyReaders(POLLIN | POLLRDNORM | POLLERR | POLLHUP);
  }

  override read(io: Io, _task: Task): number {
    if (!this.canRead) return EBADF;
    if (io.remaining === 0) return 0;
    const { pipe } = this;
    const wasFull = pipe.ring.isFull;
    const n = pipe.ring.drain(io);
    if (n === EAGAIN && pipe.writers === 0) return 0;
    if (n > 0) pipe.drained(wasFull);
    return n;
  }

  override write(io: Io, task: Task): number {
    if (!this.canWrite) return EBADF;
    if (io.remaining === 0) return 0;
    const { pipe } = this;
    if (pipe.readers === 0) {
      raiseSigpipe(task);
      return EPIPE;
    }
    const n = pipe.ring.fill(io, (this.flags & O_DIRECT) !== 0);
    if (n > 0) pipe.filled();
    return n;
  }

  override readiness(): number {
    const { pipe } = this;
    let events = 0;
    if (this.canRead) {
      if (!pipe.ring.isEmpty) events |= POLLIN | POLLRDNORM;
      if (pipe.writers === 0 && pipe.writerGeneration !== this.#hangupAfter) events |= POLLHUP;
    }
    if (this.canWrite) {
      if (!pipe.ring.isFull) events |= POLLOUT | POLLWRNORM;
      if (pipe.readers === 0) events |= POLLERR;
    }
    return events;
  }

  override get waitQueue(): WaitQueue {
    const access = this.flags & O_ACCMODE;
    return access === O_RDONLY ? this.pipe.readQueue : access === O_WRONLY ? this.pipe.writeQueue : this.pipe.bothQueue;
  }

  override ioctl(task: Task, command: number, argument: number): number {
    if (command === FIONREAD) return task.memory.storeU32(argument, this.pipe.ring.byteCount);
    return ENOTTY;
  }

  override pipeSize(): number {
    return this.pipe.ring.slots * PAGE_SIZE;
  }

  override setPipeSize(size: number, task: Task): number {
    // An unsigned int: pipe_fcntl().
    const bytes = size >>> 0;
    if (bytes > 2 ** 31) return EINVAL;
    let slots = 1;
    while (slots * PAGE_SIZE < bytes) slots *= 2;
    const { pipe } = this;
    const limit = task.creds.has(CAP_SYS_RESOURCE) ? PRIVILEGED_MAX_SIZE : PIPE_MAX_SIZE;
    if (slots > pipe.ring.slots && slots * PAGE_SIZE > limit) return EPERM;
    const wasFull = pipe.ring.isFull;
    const error = pipe.ring.resize(slots);
    if (error < 0) return error;
    pipe.drained(wasFull);
    return slots * PAGE_SIZE;
  }

  override get anonymousName(): string {
    return `pipe:[${this.inode.ino}]`;
  }
}

/** pipe(2): the read end and the write end. `flags`: O_NONBLOCK and O_DIRECT count. */
export const createPipe = (kernel: Kernel, flags: number, task: Task | null = null): [OpenFile, OpenFile] => {
  const inode = anonInode(kernel, S_IFIFO | 0o600, task?.creds.fsuid, task?.creds.fsgid);
  const pipe = new Pipe(true);
  inode.pipe = pipe;
  return [
    new PipeFile(pipe, inode, null, O_RDONLY | (flags & O_NONBLOCK)),
    new PipeFile(pipe, inode, null, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT))),
  ];
};
