/**
 * An inode: attributes and name operations of one file. Filesystems subclass it; names
 * and link targets are latin1 strings (one char per byte), because Linux names are bytes.
 * Permission checks that any filesystem shares (may_create, sticky, DAC) happen in the
 * caller (vfs/permission.ts); these methods only act.
 */
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../syscall-tables/flags/open.ts";
import { EINVAL, ENODATA, ENOTDIR, EOPNOTSUPP, EPERM, type Errno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task/task.ts";
import type { Filesystem } from "./filesystem.ts";
import type { InodeLeases } from "./leases.ts";
import type { HostLocks, InodeLocks } from "./locks.ts";
import type { InodeWatches } from "./notify.ts";
import type { OpenFile } from "./open-file.ts";
import type { Path } from "./path.ts";

/** Receives directory entries; returns false when full (the entry was not taken). */
export interface DirentSink {
  /** `nextPosition` is the directory position after this entry (d_off). */
  add(name: string, ino: number, mode: number, nextPosition: number): boolean;
  /**
   * The same for entries that are struct linux_dirent64 already (getdents64(2)), complete and checked,
   * from `at` to `end` of `bytes`: takes whole ones and returns where the first that it did not take begins.
   * Absent: entries come by `add` only.
   */
  addPacked?(bytes: Uint8Array, at: number, end: number): number;
}

/** Attributes that `setAttributes` changes; absent: unchanged. Times: "now" or seconds and nanoseconds. */
export interface AttributeChange {
  mode?: number;
  uid?: number;
  gid?: number;
  size?: number;
  atime?: Timestamp | "now";
  mtime?: Timestamp | "now";
}

export interface Timestamp {
  sec: number;
  nsec: number;
}

export abstract class Inode {
  readonly fs: Filesystem;
  ino: number;
  /** Type and permission bits, as st_mode. */
  mode: number;
  uid = 0;
  gid = 0;
  nlink = 1;
  /** Bytes. */
  size = 0;
  /** Encoded as makedev(3). */
  rdev = 0;
  /** FS_*_FL (file-flags.ts). */
  fileFlags = 0;
  readonly atime: Timestamp = { sec: 0, nsec: 0 };
  readonly mtime: Timestamp = { sec: 0, nsec: 0 };
  readonly ctime: Timestamp = { sec: 0, nsec: 0 };
  readonly btime: Timestamp = { sec: 0, nsec: 0 };

  /** F_SET_RW_HINT (RWH_*). */
  writeHint = 0;

  constructor(fs: Filesystem, ino: number, mode: number) {
    this.fs = fs;
    this.ino = ino;
    this.mode = mode;
  }

  /** It can have them. */
  get keepsFlags(): boolean {
    return false;
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }
  get isSymlink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }
  get isRegular(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }

  /** st_blocks, in 512-byte units. */
  get blocks(): number {
    return Math.ceil(this.size / 512);
  }
  get blockSize(): number {
    return this.fs.blockSize;
  }

  /** Brings attributes up to date before they are shown (shared volumes, procfs). 0 or an errno. */
  refresh(): number {
    return 0;
  }

  /**
   * A hint before `lookup`: a walk goes on with the components of `path` from index `at` on
   * (a name, not a slash, stands there). A filesystem behind a channel fetches them in one
   * message; nothing is promised, nothing is checked.
   */
  lookAhead(_path: string, _at: number): void {}

  /** The child, ENOENT, or another errno. Directories only. */
  lookup(_name: string, _task: Task | null): Inode | Errno {
    return ENOTDIR;
  }

  /** Opens this inode: the open file, or an errno (ENXIO for an unserved device). O_TRUNC and O_CREAT are done by the caller. FIFOs may return EAGAIN: see fs/pipe. */
  open(_path: Path, _flags: number, _task: Task): OpenFile | Errno {
    return EINVAL;
  }

  /** A new regular file, directory, node or socket (`mode` has the type) owned by `uid:gid`. */
  create(_name: string, _mode: number, _uid: number, _gid: number, _rdev: number): Inode | Errno {
    return EPERM;
  }
  /** symlink(2). */
  symlink(_name: string, _target: string, _uid: number, _gid: number): Inode | Errno {
    return EPERM;
  }
  /** link(2): one more name for `target`, an inode of this filesystem. */
  link(_name: string, _target: Inode): number {
    return EPERM;
  }
  /** An unnamed file (O_TMPFILE). */
  createUnnamed(_mode: number, _uid: number, _gid: number): Inode | Errno {
    return EOPNOTSUPP;
  }
  unlink(_name: string, _child: Inode): number {
    return EPERM;
  }
  rmdir(_name: string, _child: Inode): number {
    return EPERM;
  }
  /** rename(2) within this filesystem. `flags`: RENAME_NOREPLACE (checked by the caller), RENAME_EXCHANGE, RENAME_WHITEOUT. `victim` is what stands at the new name. */
  rename(_name: string, _child: Inode, _newParent: Inode, _newName: string, _victim: Inode | null, _flags: number): number {
    return EPERM;
  }

  /** The target of a symbolic link. */
  readlink(_task: Task): string | Errno {
    return EINVAL;
  }
  /** A link that jumps to an object instead of a name (/proc/self/exe, /proc/self/fd/N); null for ordinary links. */
  followMagic(_task: Task): Path | Errno | null {
    return null;
  }

  setAttributes(_change: AttributeChange, _task: Task | null): number {
    return EPERM;
  }

  getXattr(_name: string): Uint8Array | Errno {
    return ENODATA;
  }
  /** `flags`: XATTR_CREATE 1, XATTR_REPLACE 2. */
  setXattr(_name: string, _value: Uint8Array, _flags: number): number {
    return EOPNOTSUPP;
  }
  removeXattr(_name: string): number {
    return EOPNOTSUPP;
  }
  listXattr(): string[] | Errno {
    return [];
  }

  /** Open files (O_PATH ones too) and mappings that refer to it. */
  openCount = 0;
  /** Open files that may write: execve(2) answers ETXTBSY while above 0. */
  writeCount = 0;
  /** Open files that only read. */
  readCount = 0;
  /** Programs running from it: opening for writing answers ETXTBSY while above 0. */
  execCount = 0;
  /** The last name and the last open file are gone (`nlink` 0, `openCount` 0): release the data. */
  forget(): void {}
  /** Cached dentries that show it. */
  cachedNames = 0;
  /** No name of it is cached any more; it may be looked up again. Drop it from tables when nothing else refers to it. */
  evict(): void {}
  /** Reading stamps `atime` (as the mount's relatime says). False: the filesystem does it or has none. */
  keepsAtime = false;
  /** A device, FIFO or socket node that is not opened by number or name but by its own `open` (inherited host fds). */
  readonly opensItself: boolean = false;
  /** True for an O_TMPFILE file, which has no name but may get one (linkat(2)). */
  isLinkable = false;

  /** A bound unix socket (S_IFSOCK); set by net. */
  socket: object | null = null;
  /** The pipe behind a S_IFIFO inode; set by fs/pipe. */
  pipe: object | null = null;
  /** Byte-range and flock locks. */
  locks: InodeLocks | null = null;
  /** Where host processes see its locks and it theirs; null: nobody outside has it open. */
  hostLocks(): HostLocks | null {
    return null;
  }
  /** F_SETLEASE; null while there are none. */
  leases: InodeLeases | null = null;
  /** inotify watchers. */
  watches: InodeWatches | null = null;
  /** The first watcher came, the last went: where host processes change files, too, the host is asked to tell. */
  watched(_kernel: Kernel): void {}
  unwatched(): void {}
  /** While it is watched: the guest has done something to `name` in it, or to itself (""). */
  sawOwnChange(_name: string): void {}
}
