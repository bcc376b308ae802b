import { O_APPEND } from "../../../syscall-tables/flags/open.ts";
import { EAGAIN, EBADF, EFAULT, EINVAL, ERESTARTSYS, ESPIPE, isErrno } from "../../abi/errno.ts";
import { PipeFile } from "../../fs/pipe/pipe.ts";
import { spliceFromFile } from "../../fs/pipe/transfer.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { kernelIo, MAX_RW_COUNT } from "../../vfs/user-io.ts";
import { implement } from "../implement.ts";
import { OWN_POSITION, readOffset, storeOffset } from "./offset.ts";

const CHUNK_BYTES = 65536;
/** After so many bytes other tasks get their turn. */
const TURN_BYTES = 4 << 20;

const chunk = new Uint8Array(CHUNK_BYTES);

class SendfileOp extends BlockingOp {
  readonly #from: OpenFile;
  readonly #to: OpenFile;
  readonly #offsetAddr: UserAddr;
  readonly #count: number;
  #offset: number;
  #done = 0;

  constructor(from: OpenFile, to: OpenFile, offset: number, offsetAddr: UserAddr, count: number) {
    super();
    this.#from = from.take();
    this.#to = to.take();
    this.#offset = offset;
    this.#offsetAddr = offsetAddr;
    this.#count = count;
  }

  subscribe(task: Task): void {
    const queue = this.#to.waitQueueFor(task);
    if (queue !== null) task.waitOn(queue);
  }

  /** Moves until all is done, the target would block, or the turn is over. */
  step(task: Task): number {
    const turnEnd = this.#done + TURN_BYTES;
    while (this.#done < this.#count) {
      if (this.#done >= turnEnd) {
        task.kernel.schedule(task);
        return BLOCKED;
      }
      const n = this.#moveChunk(task);
      if (n === EAGAIN && !this.#to.isNonblocking) return BLOCKED;
      if (n <= 0) return this.finish(task, n);
    }
    return this.finish(task, 0);
  }

  #moveChunk(task: Task): number {
    const wanted = Math.min(CHUNK_BYTES, this.#count - this.#done);
    const got = this.#from.pread(kernelIo(chunk, 0, wanted), this.#offset, task);
    if (got <= 0) return got;
    const n = this.#to.write(kernelIo(chunk, 0, got), task);
    if (n > 0) {
      this.#done += n;
      this.#offset += n;
    }
    return n;
  }

  override interrupted(task: Task): number {
    return this.finish(task, ERESTARTSYS);
  }

  finish(task: Task, error: number): number {
    if (this.#offsetAddr === 0) this.#from.position = this.#offset;
    this.#from.put();
    this.#to.put();
    const result = this.#done > 0 ? this.#done : error;
    return this.#offsetAddr === 0 ? result : storeOffset(task, this.#offsetAddr, this.#offset, result);
  }

  describe(): string {
    return "sendfile";
  }
}

class SendfileToPipeOp extends BlockingOp {
  readonly #from: OpenFile;
  readonly #to: PipeFile;
  readonly #offset: number;
  readonly #offsetAddr: UserAddr;
  readonly #count: number;

  constructor(from: OpenFile, to: PipeFile, offset: number, offsetAddr: UserAddr, count: number) {
    super();
    this.#from = from.take();
    this.#to = to.take();
    this.#offset = offset;
    this.#offsetAddr = offsetAddr;
    this.#count = count;
  }

  subscribe(task: Task): void {
    task.waitOn(this.#to.waitQueue);
    const queue = this.#from.waitQueueFor(task);
    if (queue !== null) task.waitOn(queue);
  }

  step(task: Task): number {
    const n = spliceFromFile(this.#from, this.#offset, this.#to.pipe, this.#count, task);
    return n === EAGAIN && !this.#to.isNonblocking ? BLOCKED : this.#finish(task, n);
  }

  override interrupted(task: Task): number {
    return this.#finish(task, ERESTARTSYS);
  }

  #finish(task: Task, result: number): number {
    this.#from.put();
    this.#to.put();
    return result > 0 && this.#offset !== OWN_POSITION ? storeOffset(task, this.#offsetAddr, this.#offset + result, result) : result;
  }

  describe(): string {
    return "sendfile";
  }
}

/** sendfile(2): from a file with pages to anything; to a pipe also from a stream (do_sendfile). */
export const sys_sendfile = implement("sendfile", { level: "full" }, (task, fdOut, fdIn, offsetAddr, count) => {
  const offset = readOffset(task, offsetAddr);
  if (offset === EFAULT) return EFAULT;
  const from = task.file(fdIn);
  if (isErrno(from) || !from.canRead) return EBADF;
  if (offsetAddr !== 0 && !from.isSeekable) return ESPIPE;
  if (offset < OWN_POSITION) return offset;
  const to = task.file(fdOut);
  if (isErrno(to) || !to.canWrite) return EBADF;
  if (!from.splicesOut || !to.splicesIn) return EINVAL;
  const length = Math.min(count, MAX_RW_COUNT);
  if (to instanceof PipeFile) {
    if (from instanceof PipeFile) return EINVAL;
    if (length === 0) return 0;
    const op = new SendfileToPipeOp(from, to, offset, offsetAddr, length);
    const result = op.step(task);
    return result === BLOCKED ? task.block(op) : result;
  }
  if ((to.flags & O_APPEND) !== 0 || !from.isSeekable) return EINVAL;
  const op = new SendfileOp(from, to, offset === OWN_POSITION ? from.position : offset, offsetAddr, length);
  const result = op.step(task);
  return result === BLOCKED ? task.block(op) : result;
});
