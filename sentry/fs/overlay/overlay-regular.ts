/** A regular file of the overlay: the lower file's bytes until the first write. */
import { EIO, type Errno, isErrno } from "../../abi/errno.ts";
import type { FileMapping } from "../../mm/file-mapping.ts";
import type { Task } from "../../task/task.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { Io } from "../../vfs/io.ts";
import { MemoryFile, MemoryMapping, MemoryRegular } from "../../vfs/memory/memory-regular.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { kernelIo } from "../../vfs/user-io.ts";
import type { Overlay } from "./overlay.ts";

const COPY_BYTES = 1 << 18;

export class OverlayRegular extends MemoryRegular {
  declare readonly fs: Overlay;
  /** The data is still the lower file's. */
  isLower: boolean;

  constructor(fs: Overlay, mode: number, uid: number, gid: number, origin: Inode | null = null) {
    super(fs, mode, uid, gid, origin);
    this.isLower = origin !== null;
  }

  override get blocks(): number {
    return this.isLower && this.origin !== null ? this.origin.blocks : super.blocks;
  }

  override open(path: Path, flags: number, _task: Task): OpenFile | Errno {
    return new OverlayFile(this, path, flags);
  }

  /** Copies the first `length` bytes of the lower file; the file has its own data from then on. */
  copyUp(length: number, task: Task | null): number {
    const { origin } = this;
    if (!this.isLower || origin === null) return 0;
    const file = this.fs.openLower(origin, task);
    if (isErrno(file)) return file;
    const error = this.#copy(file, Math.min(length, origin.size), task);
    file.put();
    if (error < 0) {
      this.data.release();
      return error;
    }
    this.modify();
    this.isLower = false;
    return 0;
  }

  #copy(file: OpenFile, length: number, task: Task | null): number {
    const buffer = new Uint8Array(Math.min(COPY_BYTES, length));
    for (let at = 0; at < length; ) {
      const n = file.pread(kernelIo(buffer, 0, Math.min(buffer.length, length - at)), at, task as Task);
      if (n <= 0) return n < 0 ? n : EIO;
      for (let done = 0; done < n; ) {
        const written = this.data.write(kernelIo(buffer, done, n - done), at + done);
        if (written < 0) return written;
        done += written;
      }
      at += n;
    }
    return 0;
  }

  protected override resize(length: number): number {
    const error = this.copyUp(length, null);
    return error < 0 ? error : super.resize(length);
  }
}

class OverlayFile extends MemoryFile {
  declare readonly inode: OverlayRegular;
  /** The lower file, opened at the first read. */
  #lower: OpenFile | null = null;

  /** The lower file, or an errno. */
  #openLower(task: Task): OpenFile | Errno {
    if (this.#lower !== null) return this.#lower;
    const file = this.inode.fs.openLower(this.inode.origin as Inode, task);
    if (!isErrno(file)) this.#lower = file;
    return file;
  }

  protected override release(): void {
    this.#lower?.put();
    this.#lower = null;
    super.release();
  }

  protected override readAt(io: Io, offset: number, task: Task): number {
    if (!this.inode.isLower) return super.readAt(io, offset, task);
    const file = this.#lower ?? this.#openLower(task);
    return isErrno(file) ? file : file.pread(io, offset, task);
  }

  protected override writeAt(io: Io, offset: number, task: Task): number {
    const error = this.inode.copyUp(Number.POSITIVE_INFINITY, task);
    return error < 0 ? error : super.writeAt(io, offset, task);
  }

  protected override seekData(offset: number, wantsData: boolean): number {
    if (this.inode.isLower) return wantsData ? offset : this.inode.size;
    return super.seekData(offset, wantsData);
  }

  override allocate(mode: number, offset: number, length: number, task: Task): number {
    const error = this.inode.copyUp(Number.POSITIVE_INFINITY, task);
    return error < 0 ? error : super.allocate(mode, offset, length, task);
  }

  override mapping(task: Task): FileMapping | Errno {
    const { inode } = this;
    if (!inode.isLower) return super.mapping(task);
    const lower = this.#openLower(task);
    if (isErrno(lower)) return lower;
    const mapping = lower.mapping(task);
    return isErrno(mapping) ? mapping : new OverlayMapping(inode, this.path, mapping);
  }
}

/** Maps the lower file until somebody asks to write. */
class OverlayMapping extends MemoryMapping {
  declare readonly inode: OverlayRegular;
  readonly #lower: FileMapping;

  constructor(inode: OverlayRegular, path: Path | null, lower: FileMapping) {
    super(inode, path);
    this.#lower = lower;
  }

  override hostFd(writable: boolean): number | Errno {
    const { inode } = this;
    if (inode.isLower && !writable) {
      const fd = this.#lower.hostFd(false);
      if (fd !== null) return fd;
    }
    const error = inode.copyUp(Number.POSITIVE_INFINITY, null);
    return error < 0 ? (error as Errno) : super.hostFd(writable);
  }

  override takeMapping(isSharedWritable: boolean): void {
    super.takeMapping(isSharedWritable);
    this.#lower.takeMapping(isSharedWritable);
  }

  override putMapping(isSharedWritable: boolean): void {
    super.putMapping(isSharedWritable);
    this.#lower.putMapping(isSharedWritable);
  }
}
