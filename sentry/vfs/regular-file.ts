/**
 * What every open regular file does alike: position, O_APPEND, limits, times, seeking.
 * A filesystem supplies `readAt`, `writeAt` and `seekData`.
 */

import { SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET } from "../../syscall-tables/flags/fd.ts";
import { IN_MODIFY, O_APPEND } from "../../syscall-tables/flags/open.ts";
import { RLIMIT_FSIZE } from "../../syscall-tables/flags/process.ts";
import { SIGXFSZ } from "../../syscall-tables/flags/signal.ts";
import { EFBIG, EINVAL, ENXIO } from "../abi/errno.ts";

import { kernelSignal, sendSignalToTask } from "../task/signals.ts";
import type { Task } from "../task/task.ts";
import { touchFileAtime } from "./atime.ts";
import { checkSize, dropPrivileges, MAX_FILE_SIZE } from "./attributes.ts";
import type { Io } from "./io.ts";
import { notifyDentry } from "./notify.ts";
import { OpenFile } from "./open-file.ts";

export abstract class RegularFile extends OpenFile {
  /** Reads at `offset` up to the end of the file. */
  protected abstract readAt(io: Io, offset: number, task: Task): number;
  /** Writes all of `io` at `offset`; grows the file; stamps mtime and ctime. A short count where space or memory ends. */
  protected abstract writeAt(io: Io, offset: number, task: Task): number;
  /** The next data (or hole) from `offset` on, below the size; all is data unless the filesystem knows better. */
  protected seekData(offset: number, wantsData: boolean): number {
    return wantsData ? offset : this.inode.size;
  }

  override get isSeekable(): boolean {
    return true;
  }
  override get isRegular(): boolean {
    return true;
  }

  override read(io: Io, task: Task): number {
    const n = this.pread(io, this.position, task);
    if (n > 0) this.position += n;
    return n;
  }

  override pread(io: Io, offset: number, task: Task): number {
    const n = this.readAt(io, offset, task);
    if (n >= 0) touchFileAtime(this, task);
    return n;
  }

  override write(io: Io, task: Task): number {
    if ((this.flags & O_APPEND) !== 0) this.position = this.inode.size;
    const n = this.#write(io, this.position, task);
    if (n > 0) this.position += n;
    return n;
  }

  // O_APPEND wins over the offset: pwrite(2), BUGS.
  override pwrite(io: Io, offset: number, task: Task): number {
    return this.#write(io, (this.flags & O_APPEND) !== 0 ? this.inode.size : offset, task);
  }

  #write(io: Io, offset: number, task: Task): number {
    const count = io.remaining;
    if (count === 0) return 0;
    dropPrivileges(this.inode, task);
    const length = writableLength(task, offset, count);
    if (length < 0) return length;
    return this.writeAt(length === count ? io : new ShortIo(io, length), offset, task);
  }

  override seek(offset: number, whence: number): number {
    const { size } = this.inode;
    let position: number;
    switch (whence) {
      case SEEK_SET:
        position = offset;
        break;
      case SEEK_CUR:
        position = this.position + offset;
        break;
      case SEEK_END:
        position = size + offset;
        break;
      case SEEK_DATA:
      case SEEK_HOLE:
        if (offset < 0 || offset >= size) return ENXIO;
        position = this.seekData(offset, whence === SEEK_DATA);
        if (position < 0) return position;
        break;
      default:
        return EINVAL;
    }
    if (position < 0 || position > MAX_FILE_SIZE) return EINVAL;
    this.position = position;
    return position;
  }

  override truncate(length: number, task: Task): number {
    if (length < 0) return EINVAL;
    const tooLarge = checkSize(task, this.inode, length);
    if (tooLarge < 0) return tooLarge;
    dropPrivileges(this.inode, task);
    const error = this.inode.setAttributes({ size: length, mtime: "now" }, task);
    if (error >= 0 && this.path !== null) notifyDentry(this.path.dentry, IN_MODIFY);
    return error;
  }

  override sync(_task: Task): number {
    return 0;
  }
}

/** generic_write_check_limits(): how much of a write RLIMIT_FSIZE lets through; EFBIG, with SIGXFSZ: nothing. */
export const writableLength = (task: Task, offset: number, count: number): number => {
  const limit = Math.min(task.process.limits.get(RLIMIT_FSIZE).soft, MAX_FILE_SIZE);
  if (offset + count <= limit) return count;
  if (offset < limit) return limit - offset;
  if (limit < MAX_FILE_SIZE) sendSignalToTask(task, kernelSignal(SIGXFSZ));
  return EFBIG;
};

/** The first `length` bytes of another Io: a write that RLIMIT_FSIZE cuts short. */
class ShortIo implements Io {
  readonly #io: Io;
  #left: number;

  constructor(io: Io, length: number) {
    this.#io = io;
    this.#left = length;
  }

  get remaining(): number {
    return Math.min(this.#left, this.#io.remaining);
  }
  #count(n: number): number {
    if (n > 0) this.#left -= n;
    return n;
  }
  put(source: Uint8Array, at: number, length: number): number {
    return this.#count(this.#io.put(source, at, Math.min(length, this.#left)));
  }
  take(target: Uint8Array, at: number, length: number): number {
    return this.#count(this.#io.take(target, at, Math.min(length, this.#left)));
  }
  giveBack(length: number): void {
    this.#left += length;
    this.#io.giveBack(length);
  }
  putZeros(length: number): number {
    return this.#count(this.#io.putZeros(Math.min(length, this.#left)));
  }
  putFromHost(hostFd: number, offset: number, length: number): number {
    return this.#count(this.#io.putFromHost(hostFd, offset, Math.min(length, this.#left)));
  }
  takeToHost(hostFd: number, offset: number, length: number): number {
    return this.#count(this.#io.takeToHost(hostFd, offset, Math.min(length, this.#left)));
  }
}
