/** Regular files in memory. */

import { fdStat, statFd } from "../../../native/ffi/file-calls-unsafe.ts";
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from "../../../syscall-tables/flags/fd.ts";
import { EOPNOTSUPP, type Errno, isErrno } from "../../abi/errno.ts";
import type { FileMapping } from "../../mm/file-mapping.ts";
import type { Task } from "../../task/task.ts";
import { checkSize, dropPrivileges } from "../attributes.ts";
import type { AttributeChange, Timestamp } from "../inode.ts";
import type { Io } from "../io.ts";
import type { OpenFile } from "../open-file.ts";
import type { Path } from "../path.ts";
import { RegularFile } from "../regular-file.ts";
import { pathName } from "../tree.ts";
import { MemoryData } from "./memory-data.ts";
import { MemoryInode } from "./memory-inode.ts";

const PAGE = 4096;
const SECTORS_PER_PAGE = 8;

export class MemoryRegular extends MemoryInode {
  #data: MemoryData | null = null;
  /** st_mtime of the memfd when its change was last taken note of; null: the guest cannot have written behind the sentry. */
  #hostMtime: Timestamp | null = null;

  /** Made when first asked for: most files of an overlay are looked at and never written. */
  get data(): MemoryData {
    this.#data ??= new MemoryData(this.fs.budget);
    return this.#data;
  }

  override get blocks(): number {
    return this.#data === null ? 0 : this.#data.pages * SECTORS_PER_PAGE;
  }

  /** A mapping through which the guest may write has been there: from then on the host knows of changes, too. */
  followStores(): void {
    if (this.#hostMtime !== null) return;
    this.#hostMtime = { sec: 0, nsec: 0 };
    this.#sawStores();
  }

  /** Whether the guest has written through a mapping since it was last asked (the memfd's st_mtime: file_update_time of the host's page faults). */
  #sawStores(): boolean {
    const seen = this.#hostMtime;
    const host = seen === null ? null : this.data.madeHostFile;
    if (seen === null || host === null || statFd(host.fd) < 0) return false;
    const sec = fdStat.mtimeSec();
    const nsec = fdStat.mtimeNsec();
    if (sec === seen.sec && nsec === seen.nsec) return false;
    seen.sec = sec;
    seen.nsec = nsec;
    return true;
  }

  override refresh(): number {
    if (this.#hostMtime !== null && this.#sawStores()) {
      this.modify();
      this.mtime.sec = this.#hostMtime.sec;
      this.mtime.nsec = this.#hostMtime.nsec;
      this.ctime.sec = this.#hostMtime.sec;
      this.ctime.nsec = this.#hostMtime.nsec;
    }
    return 0;
  }

  override stampModification(): void {
    super.stampModification();
    this.#sawStores();
  }

  override setAttributes(change: AttributeChange, task: Task | null): number {
    this.refresh();
    const error = super.setAttributes(change, task);
    this.#sawStores();
    return error;
  }

  protected override resize(length: number): number {
    this.modify();
    const error = this.data.truncate(length);
    if (error < 0) return error;
    this.size = length;
    return 0;
  }

  override open(path: Path, flags: number, _task: Task): OpenFile | Errno {
    return new MemoryFile(this, path, flags);
  }

  override forget(): void {
    super.forget();
    this.#data?.release();
  }
}

export class MemoryFile extends RegularFile {
  declare readonly inode: MemoryRegular;

  protected readAt(io: Io, offset: number, _task: Task): number {
    return this.inode.data.read(io, offset);
  }

  protected writeAt(io: Io, offset: number, _task: Task): number {
    const { inode } = this;
    const n = inode.data.write(io, offset);
    if (n > 0) {
      inode.size = inode.data.size;
      inode.stampModification();
    }
    return n;
  }

  protected override seekData(offset: number, wantsData: boolean): number {
    return this.inode.data.seekData(offset, wantsData);
  }

  override allocate(mode: number, offset: number, length: number, task: Task): number {
    const { inode } = this;
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) !== 0) return EOPNOTSUPP;
    dropPrivileges(inode, task);
    if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) {
      const error = inode.data.punch(offset, length);
      if (error >= 0) inode.stampModification();
      return error;
    }
    const grows = (mode & FALLOC_FL_KEEP_SIZE) === 0 && offset + length > inode.size;
    if (grows) {
      const tooLarge = checkSize(task, inode, offset + length);
      if (tooLarge < 0) return tooLarge;
    }
    const error = inode.data.allocate(offset, length);
    if (error < 0) return error;
    if (grows) {
      inode.data.truncate(offset + length);
      inode.size = offset + length;
    }
    inode.stampModification();
    return 0;
  }

  override cachedPages(first: number, end: number): number[] {
    const { data } = this.inode;
    let pages = 0;
    for (let at = first * PAGE; at < Math.min(data.size, end * PAGE); ) {
      const start = data.seekData(at, true);
      if (start < 0) break;
      const stop = Math.min(data.seekData(start, false), end * PAGE);
      if (start < stop) pages += Math.ceil(stop / PAGE) - Math.floor(start / PAGE);
      at = Math.max(stop, start + 1);
    }
    return [pages, 0, 0, 0, 0];
  }

  override mapping(_task: Task): FileMapping | Errno {
    return new MemoryMapping(this.inode, this.path);
  }
}

/** What guests map of an in-memory file: its memfd. */
export class MemoryMapping implements FileMapping {
  readonly inode: MemoryRegular;
  readonly path: Path | null;

  constructor(inode: MemoryRegular, path: Path | null) {
    this.inode = inode;
    this.path = path;
  }

  get name(): string {
    return this.path === null ? "" : pathName(this.path, null);
  }

  hostFd(writable: boolean): number | Errno {
    const host = this.inode.data.hostFile(this.path?.dentry.name ?? "");
    if (isErrno(host)) return host;
    return (writable ? host.fd : host.forReading()) as number | Errno;
  }

  takeMapping(isSharedWritable: boolean): void {
    if (isSharedWritable) this.inode.followStores();
    this.inode.openCount++;
  }

  putMapping(_isSharedWritable: boolean): void {
    if (--this.inode.openCount === 0 && this.inode.nlink === 0) this.inode.forget();
  }
}
