/** The sleeps of read(2) and write(2) on any file that answers EAGAIN. Sockets have their own for sendmsg and recvmsg. */
import { EAGAIN, EINTR, ERESTARTSYS } from "../abi/errno.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import type { UserIo } from "../vfs/user-io.ts";
import { BLOCKED, BlockingOp } from "./blocking.ts";
import type { Task } from "./task.ts";

abstract class TransferOp extends BlockingOp {
  protected readonly file: OpenFile;
  protected readonly io: UserIo;
  protected done = 0;
  protected readonly isTimed: boolean;

  constructor(file: OpenFile, io: UserIo, task: Task, timeoutNs: number) {
    super();
    this.file = file.take();
    this.io = io.detach();
    this.isTimed = timeoutNs !== Number.POSITIVE_INFINITY;
    if (this.isTimed) this.deadlineNs = task.kernel.clock.monotonicNs() + timeoutNs;
  }

  subscribe(task: Task): void {
    const waitQueue = this.file.waitQueueFor(task);
    if (waitQueue !== null) task.waitOn(waitQueue);
  }

  /** Partial progress beats an error. */
  protected finish(result: number): number {
    this.file.put();
    return this.done > 0 ? this.done : result;
  }

  // A socket with a timeout is not restarted: sock_intr_errno().
  override interrupted(_task: Task): number {
    return this.finish(this.isTimed ? EINTR : ERESTARTSYS);
  }

  override timedOut(_task: Task): number {
    return this.finish(EAGAIN);
  }
}

export class ReadOp extends TransferOp {
  constructor(file: OpenFile, io: UserIo, task: Task) {
    super(file, io, task, file.readTimeoutNs);
  }

  step(task: Task): number {
    const n = this.file.read(this.io, task);
    return n === EAGAIN ? BLOCKED : this.finish(n);
  }

  describe(): string {
    return "read";
  }
}

/** Goes on until all is written where the file says so. */
export class WriteOp extends TransferOp {
  /** `done`: bytes that the caller's first attempt has written. */
  constructor(file: OpenFile, io: UserIo, task: Task, done: number) {
    super(file, io, task, file.writeTimeoutNs);
    this.done = done;
  }

  /** Bytes written so far. */
  get progress(): number {
    return this.done;
  }

  step(task: Task): number {
    for (;;) {
      const n = this.file.write(this.io, task);
      if (n === EAGAIN) return BLOCKED;
      if (n < 0) return this.finish(n);
      this.done += n;
      if (n === 0 || this.io.remaining === 0 || !this.file.writesWhole) return this.finish(0);
    }
  }

  describe(): string {
    return "write";
  }
}

/** read(2) from start to end: sleeps unless O_NONBLOCK. */
export const readOrBlock = (task: Task, file: OpenFile, io: UserIo): number => {
  const n = file.read(io, task);
  if (n !== EAGAIN || file.isNonblocking || file.waitQueueFor(task) === null) return n;
  return task.block(new ReadOp(file, io, task));
};

/** write(2) from start to end. */
export const writeOrBlock = (task: Task, file: OpenFile, io: UserIo): number => {
  const n = file.write(io, task);
  if (n === EAGAIN) {
    if (file.isNonblocking || file.waitQueueFor(task) === null) return n;
    return task.block(new WriteOp(file, io, task, 0));
  }
  if (n <= 0 || io.remaining === 0 || file.isNonblocking || file.waitQueueFor(task) === null || !file.writesWhole) return n;
  return task.block(new WriteOp(file, io, task, n));
};

/** pwrite(2) on a file that cannot do it at once (/proc/PID/mem, with another process's help). */
class PositionedWriteOp extends TransferOp {
  readonly #offset: number;

  constructor(file: OpenFile, io: UserIo, task: Task, offset: number) {
    super(file, io, task, Number.POSITIVE_INFINITY);
    this.#offset = offset;
  }

  step(task: Task): number {
    const n = this.file.pwrite(this.io, this.#offset, task);
    return n === EAGAIN ? BLOCKED : this.finish(n);
  }

  describe(): string {
    return "pwrite";
  }
}

/** pwrite(2) from start to end. */
export const pwriteOrBlock = (task: Task, file: OpenFile, io: UserIo, offset: number): number => {
  const n = file.pwrite(io, offset, task);
  if (n !== EAGAIN || file.isNonblocking || file.waitQueueFor(task) === null) return n;
  return task.block(new PositionedWriteOp(file, io, task, offset));
};

/** An ioctl(2) that sleeps (seccomp_unotify(2)). */
class IoctlOp extends BlockingOp {
  readonly #file: OpenFile;
  readonly #command: number;
  readonly #argument: number;

  constructor(file: OpenFile, command: number, argument: number) {
    super();
    this.#file = file.take();
    this.#command = command;
    this.#argument = argument;
  }

  override subscribe(task: Task): void {
    const queue = this.#file.waitQueueFor(task);
    if (queue !== null) task.waitOn(queue);
  }

  override step(task: Task): number {
    const n = this.#file.ioctl(task, this.#command, this.#argument);
    if (n === EAGAIN) return BLOCKED;
    this.#file.put();
    return n;
  }

  override interrupted(_task: Task): number {
    this.#file.put();
    return ERESTARTSYS;
  }

  override describe(): string {
    return "ioctl";
  }
}

/** ioctl(2) from start to end. */
export const ioctlOrBlock = (task: Task, file: OpenFile, command: number, argument: number): number => {
  const n = file.ioctl(task, command, argument);
  return n === EAGAIN && file.waitsInIoctl(command) ? task.block(new IoctlOp(file, command, argument)) : n;
};
