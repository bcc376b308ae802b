/**
 * An open file description (struct file): what an fd points at, shared by dup and fork.
 * Operations never sleep: EAGAIN plus `waitQueue`. Whether the *caller* waits is decided
 * by O_NONBLOCK in `syscalls/`, with the generic ops of task/file-ops.ts.
 */
import {
  IN_CLOSE_NOWRITE,
  IN_CLOSE_WRITE,
  IN_DELETE_SELF,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFSOCK,
} from "../../syscall-tables/flags/open.ts";
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../syscall-tables/flags/poll.ts";
import { EBADF, EINVAL, EISDIR, ENODEV, ENOTDIR, ENOTTY, EOPNOTSUPP, type Errno, ESPIPE } from "../abi/errno.ts";
import type { FileMapping } from "../mm/file-mapping.ts";
import type { WaitQueue } from "../task/blocking.ts";
import type { Task } from "../task/task.ts";
import type { AsyncNotifier } from "./async.ts";
import type { FdTable } from "./fd-table.ts";
import type { DirentSink, Inode } from "./inode.ts";
import type { Io } from "./io.ts";
import { dropLease } from "./leases.ts";
import { dropFileLocks } from "./locks.ts";
import { notifyFile, pathEvents } from "./notify.ts";
import { type Path, putPath, takePath } from "./path.ts";
export const O_ASYNC = 0o20000;

/** An epoll instance's interest in an open file description (fs/epoll): told when the description is gone. */
export interface EpollLink {
  fileReleased(): void;
}

/** What an fd table has asked of the file and what ends with its first close(2) of it (fs/inotify). */
export interface CloseListener {
  closedBy(table: FdTable): void;
}

const hasData = (mode: number): boolean => (mode & S_IFMT) !== 0 && (mode & S_IFMT) !== S_IFDIR;

export abstract class OpenFile {
  /** Status flags (F_GETFL): access mode, O_APPEND, O_NONBLOCK, … without creation flags. */
  flags: number;
  /** File position in bytes. */
  position = 0;
  /** Rights of Landlock that its opener did not have and that nobody gets by it: to truncate, a device's ioctls. */
  deniedLater = 0;
  /** The inode behind it; anonymous files (pipe, eventfd, …) have an anonymous inode. */
  readonly inode: Inode;
  /** The path it was opened by (for /proc/self/fd, fchdir, openat); null for anonymous files. */
  readonly path: Path | null;
  /** The epoll items that watch this description; null while there are none. */
  epollItems: EpollLink[] | null = null;
  /** Its reads, writes and close are no events (FMODE_NONOTIFY). */
  isSilent = false;
  #references = 1;
  /** F_SETOWN, F_SETSIG and O_ASYNC state; null until first used. */
  async: AsyncNotifier | null = null;
  /** F_NOTIFY of a directory; null while there is none. */
  closeListeners: CloseListener[] | null = null;

  constructor(inode: Inode, path: Path | null, flags: number) {
    this.inode = inode;
    this.path = path;
    this.flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
    inode.openCount++;
    if (path !== null) takePath(path);
    if (this.canWrite) {
      inode.writeCount++;
      if (path !== null) {
        inode.fs.writers++;
        path.mount.writers++;
      }
    } else if (this.canRead) inode.readCount++;
  }

  /** True for files whose position matters: regular files, directories, some devices. */
  get isSeekable(): boolean {
    return false;
  }

  get isNonblocking(): boolean {
    return (this.flags & O_NONBLOCK) !== 0;
  }

  get canRead(): boolean {
    const mode = this.flags & (O_ACCMODE | O_PATH);
    return mode === O_RDONLY || mode === O_RDWR;
  }

  get canWrite(): boolean {
    const mode = this.flags & (O_ACCMODE | O_PATH);
    return mode === O_WRONLY || mode === O_RDWR;
  }

  /** The number of references (fds, mappings, in-flight SCM_RIGHTS, running ops). */
  get references(): number {
    return this.#references;
  }

  take(): this {
    this.#references++;
    return this;
  }

  /** Drops one reference; the last one releases. */
  put(): void {
    if (--this.#references !== 0) return;
    const { inode, path } = this;
    if (path !== null && (this.flags & O_PATH) === 0)
      notifyFile(this, this.canWrite ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE, pathEvents.closer);
    // eventpoll_release(): closing the last reference removes the file from every epoll set.
    while (this.epollItems !== null && this.epollItems.length > 0) this.epollItems[this.epollItems.length - 1].fileReleased();
    if (inode.locks !== null) dropFileLocks(this);
    if (inode.leases !== null) dropLease(this);
    if (this.async !== null) this.async.disarm();
    this.release();
    if (this.canWrite) {
      inode.writeCount--;
      if (path !== null) {
        inode.fs.writers--;
        path.mount.writers--;
      }
    } else if (this.canRead) inode.readCount--;
    if (path !== null) putPath(path);
    if (--inode.openCount > 0 || inode.nlink > 0) return;
    if (inode.watches !== null) inode.watches.event(IN_DELETE_SELF, "", 0);
    inode.forget();
  }

  /** The last reference is gone. */
  protected release(): void {}

  /** open(2) waits on `waitQueue` while this is EAGAIN (FIFOs without a peer); 0 when open, or an errno. */
  opening(_task: Task): number {
    return 0;
  }

  /** A blocking write(2) goes on until every byte is taken (pipes, terminals, stream sockets); otherwise a short count is the result. */
  get writesWhole(): boolean {
    const type = this.inode.mode & S_IFMT;
    return type === S_IFIFO || type === S_IFSOCK || type === S_IFCHR;
  }

  /** How long a blocking read or write may sleep, in ns (SO_RCVTIMEO, SO_SNDTIMEO): then EAGAIN. */
  get readTimeoutNs(): number {
    return Number.POSITIVE_INFINITY;
  }
  get writeTimeoutNs(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** Flags that F_SETFL changes are in `flags` already; an errno refuses (O_DIRECT where it cannot be). */
  flagsChanging(_newFlags: number): number {
    return 0;
  }

  /** fcntl(2) F_SETOWN has named who gets SIGURG and SIGIO. */
  ownerChanged(): void {}

  /** Called on every close(2) of an fd (POSIX locks are dropped by the caller). */
  flush(_task: Task): number {
    return 0;
  }

  /** Reads at `position` (seekable: advances it) or from the stream: bytes, 0 at end, or an errno; EAGAIN when it would sleep. */
  read(_io: Io, _task: Task): number {
    return EINVAL;
  }

  write(_io: Io, _task: Task): number {
    return EINVAL;
  }

  /** FMODE_CAN_READ, FMODE_CAN_WRITE: the file has such an operation at all. */
  get readsBytes(): boolean {
    return this.read !== OpenFile.prototype.read;
  }
  get writesBytes(): boolean {
    return this.write !== OpenFile.prototype.write;
  }

  /** It has a splice_read, a splice_write: files, devices, pipes and sockets, not what has no type at all (eventfd, inotify, …). */
  get splicesOut(): boolean {
    return hasData(this.inode.mode);
  }
  get splicesIn(): boolean {
    return hasData(this.inode.mode);
  }

  /** Positioned read; ESPIPE for streams. */
  pread(_io: Io, _offset: number, _task: Task): number {
    return ESPIPE;
  }

  pwrite(_io: Io, _offset: number, _task: Task): number {
    return ESPIPE;
  }

  /** FMODE_PREAD, FMODE_PWRITE: not a stream. */
  get isPositioned(): boolean {
    return this.pread !== OpenFile.prototype.pread || this.pwrite !== OpenFile.prototype.pwrite;
  }

  /** lseek(2): the new position or an errno. */
  seek(_offset: number, _whence: number): number {
    return ESPIPE;
  }

  /** Emits entries from `position` on, advancing it; 0 or an errno. */
  readDirectory(_sink: DirentSink, _task: Task): number {
    return ENOTDIR;
  }

  truncate(_length: number, _task: Task): number {
    return EINVAL;
  }

  allocate(_mode: number, _offset: number, _length: number, _task: Task): number {
    return ENODEV;
  }

  sync(_task: Task): number {
    return EINVAL;
  }

  /** An EAGAIN of this ioctl(2) means to wait on `waitQueue` and to try again. */
  waitsInIoctl(_command: number): boolean {
    return false;
  }

  /** ioctl(2) beyond FIONBIO, FIOCLEX and the like, which the caller handles. */
  ioctl(_task: Task, _command: number, _argument: number): number {
    return ENOTTY;
  }

  /** Poll readiness as POLL* bits. `task` is who asks: it matters to signalfd alone, which shows the asker's signals. */
  readiness(_task?: Task): number {
    return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
  }

  /** Notified whenever `readiness` may have gained bits; null: always ready (epoll answers EPERM for those, like Linux for regular files). */
  get waitQueue(): WaitQueue | null {
    return null;
  }

  /** The queue that `task` must wait on; differs from `waitQueue` for signalfd alone. */
  waitQueueFor(_task: Task): WaitQueue | null {
    return this.waitQueue;
  }

  /** fcntl(2) F_GETPIPE_SZ: bytes. */
  pipeSize(): number {
    return EBADF;
  }

  /** fcntl(2) F_SETPIPE_SZ: the size in effect, or an errno. */
  setPipeSize(_bytes: number, _task: Task): number {
    return EBADF;
  }

  /** fcntl(2) F_GET_SEALS: F_SEAL_* bits; EINVAL for files that cannot be sealed. */
  seals(): number {
    return EINVAL;
  }

  /** fcntl(2) F_ADD_SEALS. */
  addSeals(_seals: number): number {
    return EINVAL;
  }

  /** The lines that /proc/pid/fdinfo/N shows after pos, flags, mnt_id and ino; each ends in a newline. */
  fdInfo(): string {
    return "";
  }

  /** What mmap(2) maps, or ENODEV. The returned object outlives close. */
  mapping(_task: Task): FileMapping | Errno {
    return ENODEV;
  }

  /** cachestat(2) of pages `first` to `end`: cached, dirty, being written, evicted, evicted lately. */
  cachedPages(_first: number, _end: number): number[] {
    return [0, 0, 0, 0, 0];
  }

  /** The name readlink(/proc/self/fd/N) shows for an anonymous file, such as "pipe:[12]". */
  get anonymousName(): string {
    return `anon_inode:[${this.inode.ino}]`;
  }

  /** True where splice/sendfile may read pages (regular files). */
  get isRegular(): boolean {
    return false;
  }

  /** The error for read(2) of a directory and similar. */
  static readonly NOT_READABLE = EISDIR;
  static readonly NOT_SUPPORTED = EOPNOTSUPP;
}
