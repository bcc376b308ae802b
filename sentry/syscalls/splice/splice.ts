import { SPLICE_F_GIFT, SPLICE_F_MORE, SPLICE_F_MOVE, SPLICE_F_NONBLOCK } from "../../../syscall-tables/flags/fd.ts";
import { O_APPEND } from "../../../syscall-tables/flags/open.ts";
import { EAGAIN, EBADF, EFAULT, EINVAL, ERESTARTSYS, ESPIPE, isErrno } from "../../abi/errno.ts";
import { PipeFile } from "../../fs/pipe/pipe.ts";
import { spliceFromFile, spliceFromUser, splicePipes, spliceToFile, spliceToUser } from "../../fs/pipe/transfer.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { MAX_RW_COUNT, type UserIo, userIovIo } from "../../vfs/user-io.ts";
import { implement } from "../implement.ts";
import { OWN_POSITION, readOffset, storeOffset } from "./offset.ts";

const SPLICE_F_ALL = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;

/** A transfer between two files, at least one of them a pipe. */
class SpliceOp extends BlockingOp {
  readonly #from: OpenFile;
  readonly #to: OpenFile;
  readonly #length: number;
  readonly #keep: boolean;
  /** For the end that is no pipe. */
  readonly #offset: number;
  readonly #offsetAddr: UserAddr;

  constructor(from: OpenFile, to: OpenFile, length: number, keep: boolean, offset: number, offsetAddr: UserAddr) {
    super();
    this.#from = from.take();
    this.#to = to.take();
    this.#length = length;
    this.#keep = keep;
    this.#offset = offset;
    this.#offsetAddr = offsetAddr;
  }

  subscribe(task: Task): void {
    for (const file of [this.#from, this.#to]) {
      const queue = file.waitQueueFor(task);
      if (queue !== null) task.waitOn(queue);
    }
  }

  attempt(task: Task): number {
    const from = this.#from;
    const to = this.#to;
    if (from instanceof PipeFile && to instanceof PipeFile) return splicePipes(from.pipe, to.pipe, this.#length, this.#keep, task);
    if (from instanceof PipeFile) return spliceToFile(from.pipe, to, this.#offset, this.#length, task);
    if (to instanceof PipeFile) return spliceFromFile(from, this.#offset, to.pipe, this.#length, task);
    return EINVAL;
  }

  step(task: Task): number {
    const n = this.attempt(task);
    return n === EAGAIN ? BLOCKED : this.finish(task, n);
  }

  override interrupted(task: Task): number {
    return this.finish(task, ERESTARTSYS);
  }

  finish(task: Task, result: number): number {
    this.#from.put();
    this.#to.put();
    if (result <= 0 || this.#offset === OWN_POSITION) return result;
    return storeOffset(task, this.#offsetAddr, this.#offset + result, result);
  }

  describe(): string {
    return "splice";
  }
}

const run = (task: Task, op: SpliceOp, isNonblocking: boolean): number => {
  const n = op.attempt(task);
  return n !== EAGAIN || isNonblocking ? op.finish(task, n) : task.block(op);
};

/** splice(2) */
export const sys_splice = implement("splice", { level: "full" }, (task, fdIn, offsetInAddr, fdOut, offsetOutAddr, length, flags) => {
  if (length === 0) return 0;
  if ((flags & ~SPLICE_F_ALL) !== 0) return EINVAL;
  const from = task.file(fdIn);
  if (isErrno(from)) return EBADF;
  const to = task.file(fdOut);
  if (isErrno(to)) return EBADF;
  const isFromPipe = from instanceof PipeFile;
  const isToPipe = to instanceof PipeFile;
  if ((isFromPipe && offsetInAddr !== 0) || (isToPipe && offsetOutAddr !== 0)) return ESPIPE;
  const offsetAddr = isFromPipe ? offsetOutAddr : offsetInAddr;
  const offset = readOffset(task, offsetAddr);
  if (offset === EFAULT) return EFAULT;
  if (!from.canRead || !to.canWrite) return EBADF;
  if (!isFromPipe && !isToPipe) return EINVAL;
  if (isFromPipe && isToPipe && from.pipe === to.pipe) return EINVAL;
  const other = isFromPipe ? to : from;
  if (offsetAddr !== 0 && !other.isSeekable) return EINVAL;
  if (isFromPipe && !isToPipe && (to.flags & O_APPEND) !== 0) return EINVAL;
  if (!(isFromPipe || from.splicesOut) || !(isToPipe || to.splicesIn)) return EINVAL;
  if (offset < OWN_POSITION) return offset;
  const isNonblocking = (flags & SPLICE_F_NONBLOCK) !== 0 || from.isNonblocking || to.isNonblocking;
  return run(task, new SpliceOp(from, to, Math.min(length, MAX_RW_COUNT), false, offset, offsetAddr), isNonblocking);
});

/** tee(2) */
export const sys_tee = implement("tee", { level: "full" }, (task, fdIn, fdOut, length, flags) => {
  if ((flags & ~SPLICE_F_ALL) !== 0) return EINVAL;
  if (length === 0) return 0;
  const from = task.file(fdIn);
  const to = task.file(fdOut);
  if (isErrno(from) || isErrno(to) || !from.canRead || !to.canWrite) return EBADF;
  if (!(from instanceof PipeFile && to instanceof PipeFile) || from.pipe === to.pipe) return EINVAL;
  const isNonblocking = (flags & SPLICE_F_NONBLOCK) !== 0 || from.isNonblocking || to.isNonblocking;
  return run(task, new SpliceOp(from, to, Math.min(length, MAX_RW_COUNT), true, OWN_POSITION, 0), isNonblocking);
});

class VmspliceOp extends BlockingOp {
  readonly #file: PipeFile;
  readonly #io: UserIo;

  constructor(file: PipeFile, io: UserIo) {
    super();
    this.#file = file.take();
    this.#io = io.detach();
  }

  subscribe(task: Task): void {
    task.waitOn(this.#file.waitQueue);
  }

  step(task: Task): number {
    const n = vmsplice(task, this.#file, this.#io);
    return n === EAGAIN ? BLOCKED : this.#finish(n);
  }

  override interrupted(_task: Task): number {
    return this.#finish(ERESTARTSYS);
  }

  #finish(result: number): number {
    this.#file.put();
    return result;
  }

  describe(): string {
    return "vmsplice";
  }
}

const vmsplice = (task: Task, file: PipeFile, io: UserIo): number =>
  file.canWrite ? spliceFromUser(io, file.pipe, task) : spliceToUser(file.pipe, io);

/** Is memory of memfd_secret(2) among the vectors? */
const namesSecret = (task: Task, iovAddr: UserAddr, count: number): boolean => {
  const view = task.memory.viewIn(iovAddr, count * 16);
  if (isErrno(view)) return false;
  const u64 = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  for (let at = 0; at < count * 16; at += 16) if (task.mm.openLength(u64(at), u64(at + 8)) < u64(at + 8)) return true;
  return false;
};

/** vmsplice(2). The pages are copied: a later change of the caller's memory is not seen by the reader. */
export const sys_vmsplice = implement("vmsplice", { level: "full" }, (task, fd, iovAddr, count, flags) => {
  if ((flags & ~SPLICE_F_ALL) !== 0) return EINVAL;
  const file = task.file(fd);
  if (isErrno(file)) return EBADF;
  const io = userIovIo(task, iovAddr, count);
  if (isErrno(io)) return io;
  if (io.remaining === 0) return 0;
  if (!(file instanceof PipeFile)) return EBADF;
  if (task.mm.hasSecrets && namesSecret(task, iovAddr, count)) return EFAULT;
  const n = vmsplice(task, file, io);
  if (n !== EAGAIN || (flags & SPLICE_F_NONBLOCK) !== 0) return n;
  return task.block(new VmspliceOp(file, io));
});
