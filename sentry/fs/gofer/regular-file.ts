/** An open regular file: bytes go between the guest and the donated host fd, without messages. */

import { allocateFd, cachedPagesOf, seekFd, syncDataFd, syncFd, truncateFd } from "../../../native/ffi/file-calls-unsafe.ts";
import { FALLOC_FL_KEEP_SIZE, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET } from "../../../syscall-tables/flags/fd.ts";
import { O_APPEND, O_DSYNC } from "../../../syscall-tables/flags/open.ts";
import { EBADF, EINVAL, ENXIO, type Errno } from "../../abi/errno.ts";
import type { FileMapping } from "../../mm/file-mapping.ts";
import type { Task } from "../../task/task.ts";
import { checkSize } from "../../vfs/attributes.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { writableLength } from "../../vfs/regular-file.ts";
import type { HostFiles } from "./host-files.ts";
import type { GoferInode } from "./inode.ts";
import { SMALL_READ } from "./small-reads.ts";

const LARGE_READ = 32 * 1024;
/** To hand over the fd costs as much as two or three large reads may gain. */
const LARGE_READS_BEFORE = 2;

export class RegularFile extends OpenFile {
  declare readonly inode: GoferInode;
  readonly files: HostFiles;
  #mapping: FileMapping | null = null;

  constructor(inode: GoferInode, path: Path | null, flags: number) {
    super(inode, path, flags);
    this.files = inode.hostFiles();
    this.files.take();
  }

  override get isSeekable(): boolean {
    return true;
  }
  override get isRegular(): boolean {
    return true;
  }

  protected override release(): void {
    this.files.put();
  }

  override read(io: Io, task: Task): number {
    const n = this.pread(io, this.position, task);
    if (n > 0) this.position += n;
    return n;
  }

  override pread(io: Io, offset: number, task: Task | null): number {
    if (!this.canRead) return EBADF;
    const { remaining } = io;
    if (remaining <= SMALL_READ && this.inode.fs.isImmutable && task !== null) {
      const n = this.inode.fs.smallReads.read(io, this.files, offset, task.kernel.clock);
      if (n !== null) return n;
    }
    if (remaining >= LARGE_READ && this.#isReadByGuest(io, offset, remaining)) return remaining;
    const fd = this.files.forPread();
    return fd < 0 ? fd : io.putFromHost(fd, offset, remaining);
  }

  /** What is read in large pieces the guest's process reads by itself: one copy, and no line of it goes through the sentry's CPU. */
  #isReadByGuest(io: Io, offset: number, length: number): boolean {
    const { files } = this;
    const { inode } = this;
    if (io.putByGuest === undefined || inode.isPassing || offset + length > inode.size) return false;
    if (++files.largeReads <= LARGE_READS_BEFORE) return false;
    const fd = files.forRead();
    if (fd < 0) return false;
    const otherwise = (rest: Io): number => {
      files.take();
      const again = files.forPread();
      const n = again < 0 ? again : rest.putFromHost(again, offset, length);
      files.put();
      return n;
    };
    return io.putByGuest(fd, offset, length, otherwise);
  }

  override write(io: Io, task: Task): number {
    const n = this.pwrite(io, this.position, task);
    // What was appended ends at the end of the file.
    if (n > 0) this.position = (this.flags & O_APPEND) === 0 ? this.position + n : this.inode.size;
    return n;
  }

  override pwrite(io: Io, offset: number, task: Task): number {
    if (!this.canWrite) return EBADF;
    const appends = (this.flags & O_APPEND) !== 0;
    const fd = appends ? this.files.forAppend() : this.files.forWrite();
    if (fd < 0) return fd;
    const length = io.remaining === 0 ? 0 : writableLength(task, appends ? this.inode.size : offset, io.remaining);
    // pwrite(2) on an O_APPEND fd appends whatever the offset.
    const n = length < 0 ? length : io.takeToHost(fd, offset, length);
    if (n <= 0) return n;
    this.inode.contentChanged(appends ? -1 : offset + n);
    if ((this.flags & O_DSYNC) === 0) return n;
    const result = syncDataFd(fd);
    return result < 0 ? result : n;
  }

  override cachedPages(first: number, end: number): number[] {
    const fd = this.files.forPread();
    return (fd < 0 ? null : cachedPagesOf(fd, first, end)) ?? super.cachedPages(first, end);
  }

  override seek(offset: number, whence: number): number {
    let target: number;
    if (whence === SEEK_SET) target = offset;
    else if (whence === SEEK_CUR) target = this.position + offset;
    else if (whence === SEEK_END) {
      this.inode.refresh();
      target = this.inode.size + offset;
    } else if (whence === SEEK_DATA || whence === SEEK_HOLE) {
      if (offset < 0) return ENXIO;
      const fd = this.files.forPread();
      target = fd < 0 ? fd : seekFd(fd, offset, whence);
      if (target < 0) return target;
    } else return EINVAL;
    if (target < 0 || target > Number.MAX_SAFE_INTEGER) return EINVAL;
    this.position = target;
    return target;
  }

  override truncate(length: number, task: Task): number {
    if (!this.canWrite) return EINVAL;
    const tooLarge = checkSize(task, this.inode, length);
    if (tooLarge < 0) return tooLarge;
    const fd = this.files.forWrite();
    if (fd < 0) return fd;
    const result = truncateFd(fd, length);
    if (result >= 0) {
      this.inode.size = length;
      this.inode.contentChanged(length);
    }
    return result;
  }

  override allocate(mode: number, offset: number, length: number, task: Task): number {
    if (!this.canWrite) return EBADF;
    const tooLarge = (mode & FALLOC_FL_KEEP_SIZE) === 0 ? checkSize(task, this.inode, offset + length) : 0;
    if (tooLarge < 0) return tooLarge;
    const fd = this.files.forWrite();
    if (fd < 0) return fd;
    const result = allocateFd(fd, mode, offset, length);
    if (result >= 0) this.inode.contentChanged((mode & FALLOC_FL_KEEP_SIZE) === 0 ? offset + length : -1);
    return result;
  }

  override sync(_task: Task): number {
    const fd = this.files.any;
    return fd < 0 ? 0 : syncFd(fd);
  }

  override mapping(task: Task): FileMapping | Errno {
    this.#mapping ??= new GoferMapping(this, this.path === null ? "" : task.kernel.vfs.pathName(this.path, task.fs.root));
    return this.#mapping;
  }
}

/** A mapped file stays open as long as one of its mappings: each holds the open file. */
class GoferMapping implements FileMapping {
  readonly inode: GoferInode;
  readonly name: string;
  readonly path: Path | null;
  readonly #file: RegularFile;

  constructor(file: RegularFile, name: string) {
    this.inode = file.inode;
    this.name = name;
    this.path = file.path;
    this.#file = file;
  }

  hostFd(writable: boolean): number | Errno {
    const { files } = this.#file;
    // The fd goes to a guest process: a writable one only for mappings that may be written.
    return (writable ? files.forWrite() : files.forRead()) as number | Errno;
  }

  takeMapping(_isSharedWritable: boolean): void {
    this.#file.take();
  }

  putMapping(_isSharedWritable: boolean): void {
    this.#file.put();
  }
}
