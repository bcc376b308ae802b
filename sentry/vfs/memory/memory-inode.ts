/** Attributes and extended attributes of an inode that lives in the sentry. */
import { S_IFMT, XATTR_CREATE, XATTR_REPLACE } from "../../../syscall-tables/flags/open.ts";
import { EEXIST, ENODATA, ENOSPC, EOPNOTSUPP, type Errno, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { type AttributeChange, Inode, type Timestamp } from "../inode.ts";
import type { MemoryFilesystem } from "./memory-filesystem.ts";

export const copyTime = (target: Timestamp, source: Timestamp): void => {
  target.sec = source.sec;
  target.nsec = source.nsec;
};

const SECURITY_CAPABILITY = "security.capability";
/** What one inode may hold, in bytes: Linux bounds user.* of tmpfs by the filesystem's inode budget. */
const MAX_XATTR_BYTES = 1 << 20;

export abstract class MemoryInode extends Inode {
  override readonly fs: MemoryFilesystem;
  /** The inode of a lower filesystem that it shows until changed; null: all is here. */
  readonly origin: Inode | null;
  /** It differs from its origin and must not be made anew from it. */
  isModified = false;
  /** Null: the origin's. */
  #xattrs: Map<string, Uint8Array> | null;
  /** Known to have no security.capability. */
  #hasNoCapabilities: boolean;
  override keepsAtime = true;

  /** A new inode; or, with `origin`, one that shows a lower file under its own number. */
  constructor(fs: MemoryFilesystem, mode: number, uid: number, gid: number, origin: Inode | null = null) {
    super(fs, origin === null ? fs.allocateIno() : origin.ino, mode);
    this.fs = fs;
    this.origin = origin;
    this.uid = uid;
    this.gid = gid;
    fs.budget.usedInodes++;
    this.#hasNoCapabilities = origin === null;
    if (origin === null) {
      this.#xattrs = new Map();
      this.isModified = true;
      this.stamp(this.btime);
      copyTime(this.atime, this.btime);
      copyTime(this.mtime, this.btime);
      copyTime(this.ctime, this.btime);
      return;
    }
    this.#xattrs = null;
    this.nlink = origin.nlink;
    this.size = origin.size;
    this.rdev = origin.rdev;
    copyTime(this.atime, origin.atime);
    copyTime(this.mtime, origin.mtime);
    copyTime(this.ctime, origin.ctime);
    copyTime(this.btime, origin.btime);
  }

  override get keepsFlags(): boolean {
    return this.isRegular || this.isDirectory;
  }

  stamp(time: Timestamp): void {
    this.fs.kernel.clock.stamp(time);
  }

  /** Call before any change. */
  modify(): void {
    this.isModified = true;
  }

  /** The inode changed, but not its content. */
  stampChange(): void {
    this.modify();
    this.stamp(this.ctime);
  }

  /** Writing and giving away end what the file may do beyond its caller (cap_inode_killpriv). */
  #dropCapabilities(): void {
    if (!this.isRegular || this.#hasNoCapabilities) return;
    this.#hasNoCapabilities = true;
    if (this.getXattr(SECURITY_CAPABILITY) !== ENODATA) this.#ownXattrs().delete(SECURITY_CAPABILITY);
  }

  /** The content changed. */
  stampModification(): void {
    this.modify();
    this.#dropCapabilities();
    this.stamp(this.mtime);
    copyTime(this.ctime, this.mtime);
  }

  /** setAttributes with `size`: regular files. */
  protected resize(_length: number): number {
    return 0;
  }

  override setAttributes(change: AttributeChange, _task: Task | null): number {
    if (change.size !== undefined) {
      const error = this.resize(change.size);
      if (error < 0) return error;
    }
    this.stampChange();
    if (change.uid !== undefined || change.gid !== undefined || change.size !== undefined) this.#dropCapabilities();
    if (change.mode !== undefined) this.mode = (this.mode & S_IFMT) | (change.mode & ~S_IFMT);
    if (change.uid !== undefined) this.uid = change.uid;
    if (change.gid !== undefined) this.gid = change.gid;
    this.#setTime(this.atime, change.atime);
    this.#setTime(this.mtime, change.mtime);
    return 0;
  }

  #setTime(time: Timestamp, value: Timestamp | "now" | undefined): void {
    if (value === "now") copyTime(time, this.ctime);
    else if (value !== undefined) copyTime(time, value);
  }

  override getXattr(name: string): Uint8Array | Errno {
    if (this.#xattrs === null) return this.origin === null ? ENODATA : this.origin.getXattr(name);
    return this.#xattrs.get(name) ?? ENODATA;
  }

  override setXattr(name: string, value: Uint8Array, flags: number): number {
    if (name.startsWith("system.")) return EOPNOTSUPP;
    const xattrs = this.#ownXattrs();
    const has = xattrs.has(name);
    if ((flags & XATTR_CREATE) !== 0 && has) return EEXIST;
    if ((flags & XATTR_REPLACE) !== 0 && !has) return ENODATA;
    let total = name.length + value.length;
    for (const [key, stored] of xattrs) if (key !== name) total += key.length + stored.length;
    if (total > MAX_XATTR_BYTES) return ENOSPC;
    xattrs.set(name, value.slice());
    if (name === SECURITY_CAPABILITY) this.#hasNoCapabilities = false;
    this.stampChange();
    return 0;
  }

  override removeXattr(name: string): number {
    if (name.startsWith("system.")) return EOPNOTSUPP;
    const found = this.getXattr(name);
    if (isErrno(found)) return found;
    this.#ownXattrs().delete(name);
    this.stampChange();
    return 0;
  }

  override listXattr(): string[] | Errno {
    if (this.#xattrs === null) return this.origin === null ? [] : this.origin.listXattr();
    return [...this.#xattrs.keys()];
  }

  /** The attributes as this inode's own, copied from the origin at the first change. */
  #ownXattrs(): Map<string, Uint8Array> {
    if (this.#xattrs !== null) return this.#xattrs;
    this.#xattrs = new Map();
    const names = this.origin === null ? [] : this.origin.listXattr();
    if (!isErrno(names) && this.origin !== null) {
      for (const name of names) {
        const value = this.origin.getXattr(name);
        if (!isErrno(value)) this.#xattrs.set(name, value);
      }
    }
    return this.#xattrs;
  }

  /** One name less (or more). */
  unlinked(): void {
    if (this.nlink > 0) this.nlink--;
    this.stampChange();
  }

  override forget(): void {
    this.fs.budget.usedInodes--;
  }

  override evict(): void {
    if (this.isModified || this.openCount > 0 || this.watches !== null || this.locks !== null || this.socket !== null || this.pipe !== null)
      return;
    this.fs.evicted(this);
  }
}
