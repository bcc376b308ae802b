/**
 * A pipe, file, socket or device that the caller gave as standard input, output or error.
 * Position and flags stay those of the host's open file description, which the caller
 * shares; O_NONBLOCK is never set on it: the fd is polled first.
 */

import { hostCall3, hostCall6 } from "../../../native/ffi/syscall-unsafe.ts";
import { F_GETFL, SEEK_CUR, SEEK_END, SEEK_SET } from "../../../syscall-tables/flags/fd.ts";
import { FIONREAD, TCGETS } from "../../../syscall-tables/flags/ioctl.ts";
import { O_ACCMODE, O_APPEND, O_RDWR, S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from "../../../syscall-tables/flags/open.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { SIGPIPE } from "../../../syscall-tables/flags/signal.ts";
import { EACCES, EAGAIN, EINVAL, ENODEV, EPERM, EPIPE, type Errno, ESPIPE } from "../../abi/errno.ts";

import type { Kernel } from "../../kernel.ts";
import type { FileMapping } from "../../mm/file-mapping.ts";
import { WaitQueue } from "../../task/blocking.ts";
import { kernelSignal, sendSignalToTask } from "../../task/signals.ts";
import type { Task } from "../../task/task.ts";
import { makedev } from "../../vfs/devices.ts";
import { Filesystem, type FilesystemStatistics } from "../../vfs/filesystem.ts";
import { type AttributeChange, Inode } from "../../vfs/inode.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { HostFdLease } from "./host-fd-lease.ts";
import { hostPage } from "./host-memory.ts";
import { HostTerminal, hostTerminal } from "./host-tty.ts";

import { openTerminal, TtyFile } from "./tty-file.ts";

const SYS_fstat = 5;
const SYS_lseek = 8;
const SYS_ioctl = 16;
const SYS_fcntl = 72;
const SYS_fsync = 74;
const SYS_ftruncate = 77;
const SYS_fallocate = 285;
const ANON_INODE_FS_MAGIC = 0x09041934;
/** A host pipe that polls writable takes this much at once (pipe_poll, PIPE_BUF). */
const PIPE_WRITE_LIMIT = 4096;
const STREAM_READ_LIMIT = 65_536;

/** Stands for whatever host filesystem the file is on: only its st_dev is known. */
class HostFilesystem extends Filesystem {
  readonly type = "host";
  readonly root: Inode;

  constructor(device: number) {
    super(device);
    this.root = new HostInode(this, 0, -1);
  }

  override statfs(): FilesystemStatistics {
    return {
      type: ANON_INODE_FS_MAGIC,
      blockSize: 4096,
      blocks: 0,
      blocksFree: 0,
      blocksAvailable: 0,
      files: 0,
      filesFree: 0,
      nameMax: 255,
    };
  }
}

class HostInode extends Inode {
  override readonly opensItself = true;
  readonly #hostFd: number;
  readonly lease: HostFdLease | null;
  /** A terminal that looks like a pipe. */
  isHidden = false;
  /** Of a leased terminal, which is not the sandbox's own. */
  terminal: HostTerminal | null = null;
  #blocks = 0;
  #blockSize = 4096;

  constructor(fs: Filesystem, ino: number, hostFd: number, lease: HostFdLease | null = null) {
    super(fs, ino, 0);
    this.#hostFd = hostFd;
    this.lease = lease;
  }

  override get blocks(): number {
    return this.#blocks;
  }

  override get blockSize(): number {
    return this.#blockSize;
  }

  /** /proc/self/fd/N and /dev/stdin: the same host fd again, as its own mode allows. */
  override open(_path: Path, flags: number, task: Task): OpenFile | Errno {
    const wanted = flags & O_ACCMODE;
    const has = hostCall3(SYS_fcntl, this.#hostFd, F_GETFL) & O_ACCMODE;
    if (has !== O_RDWR && wanted !== has) return EACCES;
    if (isHostTerminal(this, this.#hostFd)) return openTerminal(terminalOf(task.kernel, this, this.#hostFd), this, null, flags, task);
    return new HostFile(task.kernel, this.#hostFd, this, flags, "own", this.lease);
  }

  /** ftruncate(2) and O_TRUNC reach the caller's file; its owner and mode are not the guest's to change. */
  override setAttributes(change: AttributeChange, _task: Task | null): number {
    if (change.mode !== undefined || change.uid !== undefined || change.gid !== undefined) return EPERM;
    return change.size === undefined ? 0 : hostCall3(SYS_ftruncate, this.#hostFd, change.size);
  }

  /** struct stat of x86-64. */
  override refresh(): number {
    if (this.#hostFd < 0) return 0;
    const page = hostPage();
    const error = hostCall3(SYS_fstat, this.#hostFd, page.address);
    if (error < 0) return error;
    const { view } = page;
    const wide = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
    this.ino = wide(8);
    this.nlink = wide(16);
    this.mode = this.isHidden ? S_IFIFO | 0o600 : view.getUint32(24, true);
    this.rdev = this.isHidden ? 0 : wide(40);
    this.size = wide(48);
    this.#blockSize = wide(56);
    this.#blocks = wide(64);
    for (const [time, at] of [
      [this.atime, 72],
      [this.mtime, 88],
      [this.ctime, 104],
    ] as const) {
      time.sec = wide(at);
      time.nsec = wide(at + 8);
    }
    return 0;
  }
}

/** Devices that have the same name inside. */
const DEVICE_NAMES: ReadonlyMap<number, string> = new Map([
  [makedev(1, 3), "/dev/null"],
  [makedev(1, 5), "/dev/zero"],
  [makedev(1, 7), "/dev/full"],
  [makedev(1, 8), "/dev/random"],
  [makedev(1, 9), "/dev/urandom"],
]);

/** One queue per fd, watched as long as the sandbox lives: its files may be closed and opened again. */
const queues = new Map<number, WaitQueue>();

const queueOf = (kernel: Kernel, hostFd: number): WaitQueue => {
  let queue = queues.get(hostFd);
  if (queue === undefined) {
    queue = new WaitQueue();
    queues.set(hostFd, queue);
    kernel.hostPoller.watch(hostFd, queue);
  }
  return queue;
};

export class HostFile extends OpenFile {
  readonly hostFd: number;
  readonly #kernel: Kernel;
  readonly #type: number;
  readonly #queue: WaitQueue | null;
  readonly #ownsOffset: boolean;
  readonly lease: HostFdLease | null;

  /** `offset`: the host's, which the caller's programs share, or one of its own for a file that was opened again. */
  constructor(
    kernel: Kernel,
    hostFd: number,
    inode: Inode,
    flags: number,
    offset: "shared" | "own" = "shared",
    lease: HostFdLease | null = null,
  ) {
    super(inode, null, flags);
    this.lease = lease;
    lease?.take();
    this.#kernel = kernel;
    this.hostFd = hostFd;
    this.#type = inode.mode & S_IFMT;
    this.#queue = this.#isStream ? queueOf(kernel, hostFd) : null;
    this.#ownsOffset = offset === "own";
    if (this.#isStream || this.#ownsOffset) return;
    // Whoever copies between files goes by `position`: it must be the host's.
    Object.defineProperty(this, "position", {
      get: () => Math.max(0, hostCall3(SYS_lseek, hostFd, 0, SEEK_CUR)),
      set: (position: number) => hostCall3(SYS_lseek, hostFd, position, SEEK_SET),
    });
  }

  protected override release(): void {
    this.lease?.put();
  }

  get #isStream(): boolean {
    return this.#type === S_IFIFO || this.#type === S_IFSOCK || this.#type === S_IFCHR;
  }

  override get isSeekable(): boolean {
    return !this.#isStream;
  }

  override get isRegular(): boolean {
    return this.#type === S_IFREG;
  }

  #ready(): number {
    return this.#isStream ? this.#kernel.hostPoller.readiness(this.hostFd) : POLLIN | POLLOUT;
  }

  override read(io: Io, _task: Task): number {
    if (io.remaining === 0) return 0;
    if ((this.#ready() & (POLLIN | POLLHUP | POLLERR | POLLRDHUP)) === 0) return EAGAIN;
    if (this.#isStream) return io.putFromHost(this.hostFd, -1, Math.min(io.remaining, STREAM_READ_LIMIT));
    const n = io.putFromHost(this.hostFd, this.#ownsOffset ? this.position : -1, io.remaining);
    if (n > 0 && this.#ownsOffset) this.position += n;
    return n;
  }

  override write(io: Io, task: Task): number {
    if (!this.#isStream) return this.#writeFile(io);
    let done = 0;
    while (io.remaining > 0) {
      const events = this.#ready();
      if ((events & (POLLOUT | POLLERR | POLLHUP)) === 0) return done > 0 ? done : EAGAIN;
      const n = io.takeToHost(this.hostFd, -1, Math.min(io.remaining, PIPE_WRITE_LIMIT));
      if (n === EPIPE) sendSignalToTask(task, kernelSignal(SIGPIPE));
      if (n <= 0) return done > 0 ? done : n;
      done += n;
    }
    return done;
  }

  #writeFile(io: Io): number {
    if (!this.#ownsOffset) return io.takeToHost(this.hostFd, -1, io.remaining);
    if ((this.flags & O_APPEND) !== 0 && this.inode.refresh() >= 0) this.position = this.inode.size;
    const n = io.takeToHost(this.hostFd, this.position, io.remaining);
    if (n > 0) this.position += n;
    return n;
  }

  override pread(io: Io, offset: number, _task: Task): number {
    return this.#isStream ? ESPIPE : io.putFromHost(this.hostFd, offset, io.remaining);
  }

  override pwrite(io: Io, offset: number, _task: Task): number {
    return this.#isStream ? ESPIPE : io.takeToHost(this.hostFd, offset, io.remaining);
  }

  override seek(offset: number, whence: number): number {
    if (this.#type === S_IFIFO || this.#type === S_IFSOCK) return ESPIPE;
    if (!this.#ownsOffset) return hostCall3(SYS_lseek, this.hostFd, offset, whence);
    this.inode.refresh();
    const start = whence === SEEK_SET ? 0 : whence === SEEK_CUR ? this.position : whence === SEEK_END ? this.inode.size : -1;
    if (start < 0 || start + offset < 0) return EINVAL;
    this.position = start + offset;
    return this.position;
  }

  override truncate(length: number, _task: Task): number {
    return this.isRegular ? hostCall3(SYS_ftruncate, this.hostFd, length) : EINVAL;
  }

  override allocate(mode: number, offset: number, length: number, _task: Task): number {
    return this.isRegular ? hostCall6(SYS_fallocate, this.hostFd, mode, offset, length) : this.#isStream ? ESPIPE : ENODEV;
  }

  override sync(_task: Task): number {
    return this.isRegular ? hostCall3(SYS_fsync, this.hostFd) : EINVAL;
  }

  override ioctl(task: Task, command: number, argument: number): number {
    if (command !== FIONREAD || this.#type === S_IFCHR || this.#type === S_IFBLK) return super.ioctl(task, command, argument);
    const page = hostPage();
    const error = hostCall3(SYS_ioctl, this.hostFd, FIONREAD, page.address);
    return error < 0 ? error : task.memory.storeU32(argument, page.i32[0]);
  }

  override readiness(): number {
    if (!this.#isStream) return super.readiness();
    let bits = this.#ready() & (POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
    if ((bits & POLLIN) !== 0) bits |= POLLRDNORM;
    if ((bits & POLLOUT) !== 0) bits |= POLLWRNORM;
    return bits;
  }

  override get waitQueue(): WaitQueue | null {
    return this.#queue;
  }

  override mapping(_task: Task): FileMapping | Errno {
    return this.isRegular ? new HostFileMapping(this) : ENODEV;
  }

  override get anonymousName(): string {
    const device = this.#type === S_IFCHR ? DEVICE_NAMES.get(this.inode.rdev) : undefined;
    if (device !== undefined) return device;
    const kind = this.#type === S_IFIFO ? "pipe" : this.#type === S_IFSOCK ? "socket" : "host";
    return `${kind}:[${this.inode.ino}]`;
  }
}

class HostFileMapping implements FileMapping {
  readonly inode: Inode;
  readonly name: string;
  readonly #file: HostFile;

  constructor(file: HostFile) {
    this.inode = file.inode;
    this.name = file.anonymousName;
    this.#file = file;
  }

  hostFd(_isWritable: boolean): number {
    return this.#file.hostFd;
  }
  takeMapping(): void {
    this.#file.lease?.take();
  }
  putMapping(): void {
    this.#file.lease?.put();
  }
}

const filesystems = new Map<number, HostFilesystem>();

/** Where ttyname(3) inside finds a terminal; null: nowhere. Hidden: it looks like a pipe, as what runc gives to programs without a terminal. */
export type TerminalPlace = ((terminal: HostTerminal) => Path | null) | "hidden";

/**
 * An inherited host fd as the guest's open file: a terminal, or what fstat shows. The
 * first terminal becomes the sandbox's own (`hostTerminal.terminal`). EBADF when the fd is closed.
 * `isLeased`: the fd is closed with the last file that uses it.
 */
export const openHostFd = (kernel: Kernel, hostFd: number, terminalPlace: TerminalPlace, isLeased = false): OpenFile | Errno => {
  const page = hostPage();
  const error = hostCall3(SYS_fstat, hostFd, page.address);
  if (error < 0) return error as Errno;
  const device = page.u32[0];
  const flags = hostCall3(SYS_fcntl, hostFd, F_GETFL);
  let fs = filesystems.get(device);
  if (fs === undefined) {
    fs = new HostFilesystem(device);
    filesystems.set(device, fs);
  }
  const lease = isLeased ? new HostFdLease(kernel, hostFd, () => queues.delete(hostFd)) : null;
  const inode = new HostInode(fs, 0, hostFd, lease);
  inode.refresh();
  const access = flags & (O_ACCMODE | O_APPEND);
  if (!isHostTerminal(inode, hostFd)) return new HostFile(kernel, hostFd, inode, access, "shared", lease);
  if (terminalPlace === "hidden") {
    inode.isHidden = true;
    inode.refresh();
    return new HostFile(kernel, hostFd, inode, access, "shared", lease);
  }
  const terminal = terminalOf(kernel, inode, hostFd);
  const path = terminalPlace(terminal);
  return new TtyFile(terminal, path?.dentry.inode ?? inode, path, access);
};

export const isTerminalFd = (hostFd: number): boolean => hostCall3(SYS_ioctl, hostFd, TCGETS, hostPage().address) >= 0;

const isHostTerminal = (inode: Inode, hostFd: number): boolean => (inode.mode & S_IFMT) === S_IFCHR && isTerminalFd(hostFd);

/** One terminal per host device, however many fds it has. */
const terminalOf = (kernel: Kernel, inode: HostInode, hostFd: number): HostTerminal => {
  if (inode.lease !== null) {
    inode.terminal ??= new HostTerminal(kernel, hostFd, inode.rdev, inode.lease);
    return inode.terminal;
  }
  const known = hostTerminal.terminal;
  const terminal = known !== null && known.hostRdev === inode.rdev ? known : new HostTerminal(kernel, hostFd, inode.rdev);
  hostTerminal.terminal ??= terminal;
  return terminal;
};
