/** What immutable and shared inodes of the gofer have in common. */

import {
  ATIME,
  ATIME_NSEC,
  ATTRIBUTE_COUNT,
  BLOCK_SIZE,
  BLOCKS,
  BTIME,
  BTIME_NSEC,
  CTIME,
  CTIME_NSEC,
  DEVICE,
  GID,
  INO,
  MODE,
  MTIME,
  MTIME_NSEC,
  NLINK,
  NODE,
  RDEV,
  SIZE,
  UID,
} from "../../../gofer/protocol/attributes.ts";
import { getxattr, listxattr, readdir, readlink } from "../../../gofer/protocol/messages.ts";
import { isReadableXattr } from "../../../gofer/protocol/xattr.ts";
import { O_ACCMODE, O_RDONLY, O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, EIO, EISDIR, ENODATA, ENXIO, EROFS, type Errno, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { Inode } from "../../vfs/inode.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { DirectoryFile } from "./directory-file.ts";
import type { GoferFilesystem } from "./filesystem.ts";
import { HostFiles } from "./host-files.ts";
import { Listing } from "./listing.ts";
import { presentIno } from "./present-ino.ts";
import { RegularFile } from "./regular-file.ts";

/** A directory as messages name it: components below a node. */
export interface Place {
  readonly node: number;
  readonly path: string[];
}

export abstract class GoferInode extends Inode {
  declare readonly fs: GoferFilesystem;
  /** The gofer's id for it; 0 while the gofer was not asked to hold it. */
  node: number;
  /** Which of the tree's devices it lies on. */
  readonly deviceIndex: number;
  files: HostFiles | null = null;
  /** Its read fd came with the walk that found it, and nobody has opened it since. */
  #isAhead = false;
  #blocks = 0;
  #blockSize = 4096;

  constructor(fs: GoferFilesystem, rows: readonly number[], at: number) {
    super(fs, presentIno(rows[at + DEVICE], rows[at + INO]), rows[at + MODE]);
    this.node = rows[at + NODE];
    this.deviceIndex = rows[at + DEVICE];
    this.#take(rows, at);
  }

  /** Takes over the attributes of a row. */
  apply(rows: readonly number[], at: number): void {
    this.#take(rows, at);
  }

  #take(rows: readonly number[], at: number): void {
    this.mode = rows[at + MODE];
    this.nlink = rows[at + NLINK];
    this.uid = rows[at + UID];
    this.gid = rows[at + GID];
    this.rdev = rows[at + RDEV];
    this.size = rows[at + SIZE];
    this.#blocks = rows[at + BLOCKS];
    this.#blockSize = rows[at + BLOCK_SIZE];
    const { atime, mtime, ctime, btime } = this;
    atime.sec = rows[at + ATIME];
    atime.nsec = rows[at + ATIME_NSEC];
    mtime.sec = rows[at + MTIME];
    mtime.nsec = rows[at + MTIME_NSEC];
    ctime.sec = rows[at + CTIME];
    ctime.nsec = rows[at + CTIME_NSEC];
    btime.sec = rows[at + BTIME];
    btime.nsec = rows[at + BTIME_NSEC];
  }

  override get blocks(): number {
    return this.#blocks;
  }
  override set blocks(value: number) {
    this.#blocks = value;
  }
  override get blockSize(): number {
    return this.#blockSize;
  }

  /** The gofer's id, fetched if need be, or an errno. */
  abstract nodeId(): number;

  /** The same before an open: may take an fd for reading along into `files`. */
  nodeForOpen(_forReading: boolean): number {
    return this.nodeId();
  }

  /** What the directory holds, or an errno. */
  abstract listing(): Listing | Errno;

  /** The file was written up to `end`; -1: it is not known how far. */
  abstract contentChanged(end: number): void;

  changedOutside(): void {}

  /** It lies on a file system that the host may want to unmount: no fd of it is kept without need. */
  get isPassing(): boolean {
    return this.fs.listens && this.deviceIndex !== 0;
  }

  hostFiles(): HostFiles {
    if (this.#isAhead) {
      this.#isAhead = false;
      this.fs.usedAhead++;
    }
    this.files ??= new HostFiles(this);
    return this.files;
  }

  /** Opened ahead, and not by the guest so far. */
  get isUnused(): boolean {
    return this.#isAhead;
  }

  /** A walk has brought an fd for reading along. */
  takeAhead(fd: number): void {
    this.files ??= new HostFiles(this);
    if (!this.files.offer(fd) || this.files.users > 0) return;
    if (this.isPassing) {
      this.files.closeAll();
      return;
    }
    this.#isAhead = true;
    this.fs.openedAhead++;
    this.fs.idleFiles.add(this.files);
  }

  override open(path: Path, flags: number, _task: Task): OpenFile | Errno {
    const writes = (flags & O_ACCMODE) !== O_RDONLY;
    if (this.isDirectory) return writes ? EISDIR : new DirectoryFile(this, path, flags);
    // The VFS opens pipes, sockets and devices itself.
    if (!this.isRegular) return ENXIO;
    if (writes && this.fs.isReadOnly) return EROFS;
    const files = this.hostFiles();
    let fd = writes ? files.forWrite() : files.forRead();
    if (fd >= 0 && files.isWriteOnly && (flags & O_ACCMODE) === O_RDWR) fd = files.forRead();
    return fd < 0 ? (fd as Errno) : new RegularFile(this, path, flags);
  }

  override readlink(_task: Task | null): string | Errno {
    if (!this.isSymlink) return EINVAL;
    const node = this.nodeId();
    if (node < 0) return node as Errno;
    const answer = this.fs.client.call(readlink, node);
    return typeof answer === "number" ? answer : answer[1];
  }

  /** Whether it may have extended attributes that the gofer shows. */
  get hasXattrs(): boolean {
    return this.isRegular || this.isDirectory;
  }

  override getXattr(name: string): Uint8Array | Errno {
    // `ls -l` asks for an access list of every file: no message for what is never shown.
    if (!this.hasXattrs || !isReadableXattr(name)) return ENODATA;
    const node = this.nodeId();
    if (node < 0) return node as Errno;
    const answer = this.fs.client.call(getxattr, node, name);
    return typeof answer === "number" ? answer : Uint8Array.from(answer[1]);
  }

  override listXattr(): string[] | Errno {
    if (!this.hasXattrs) return [];
    const node = this.nodeId();
    if (node < 0) return node as Errno;
    const answer = this.fs.client.call(listxattr, node);
    return typeof answer === "number" ? answer : answer[1];
  }

  /** Asks for the whole directory: one message unless it is large. */
  protected fetchListing(): Listing | Errno {
    const place = this.place();
    if (isErrno(place)) return place;
    const pieces: Buffer[] = [];
    for (let restart = 1; ; restart = 0) {
      const answer = this.fs.client.call(readdir, place.node, place.path, restart);
      if (typeof answer === "number") return answer;
      const [, isLast, entries] = answer;
      // Not from Buffer's pool: a small listing would keep all of a pool's piece alive.
      const piece = Buffer.allocUnsafeSlow(entries.length);
      piece.set(entries);
      pieces.push(piece);
      if (isLast === 1) return Listing.read(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces), this.deviceIndex) ?? EIO;
    }
  }

  /** Where the gofer finds this directory, or an errno. */
  protected place(): Place | Errno {
    const node = this.nodeId();
    return node < 0 ? (node as Errno) : { node, path: [] };
  }

  override forget(): void {
    this.release();
  }

  override evict(): void {
    // With another name it may still be in use under that one.
    if (this.openCount > 0 || (this.nlink > 1 && !this.isDirectory) || this === this.fs.root) return;
    if (this.socket !== null || this.pipe !== null || this.locks !== null || this.watches !== null) return;
    this.release();
  }

  /** Leaves the filesystem's tables; it finds its way back if it is used all the same. */
  protected release(): void {
    this.fs.drop(this);
    this.files?.closeAll();
    if (this.node !== 0) this.fs.client.forget(this.node);
  }
}

/** Whether `rows` holds exactly one row. */
export const isRow = (rows: readonly number[]): boolean => rows.length === ATTRIBUTE_COUNT;
