/**
 * The host fds that the gofer donated for one regular file. All open files and mappings of
 * an inode share them: reads and writes are positioned, so they have no state of their own.
 */

import { open } from "../../../gofer/protocol/messages.ts";
import { closeFd } from "../../../native/ffi/file-calls-unsafe.ts";
import { O_APPEND, O_RDONLY, O_RDWR, O_WRONLY } from "../../../syscall-tables/flags/open.ts";
import { EACCES, EIO, type Errno } from "../../abi/errno.ts";

import type { GoferInode } from "./inode.ts";

export class HostFiles {
  readonly #inode: GoferInode;
  /** -1: not asked for yet. */
  readOnly = -1;
  readWrite = -1;
  append = -1;
  /** Holds the guest's locks: one open file description, whatever is opened and closed beside it. */
  #locks = -1;
  /** `readWrite` can only write: the host allows the gofer no more. */
  isWriteOnly = false;
  /** Large reads so far. */
  largeReads = 0;
  /** Open files of the inode. */
  users = 0;

  constructor(inode: GoferInode) {
    this.#inode = inode;
  }

  /** An fd that allows nothing but reading. */
  forRead(): number {
    if (this.readOnly >= 0) return this.readOnly;
    const fd = this.#ask(O_RDONLY);
    if (fd >= 0) this.readOnly = fd;
    return fd;
  }

  /** An fd to write to, and to read from where the file allows it. */
  forWrite(): number {
    if (this.readWrite >= 0) return this.readWrite;
    let fd = this.#ask(O_RDWR);
    this.isWriteOnly = fd === EACCES;
    if (fd === EACCES) fd = this.#ask(O_WRONLY);
    if (fd >= 0) this.readWrite = fd;
    return fd;
  }

  /** An fd that appends, also when the host's other writers do. */
  forAppend(): number {
    if (this.append >= 0) return this.append;
    const fd = this.#ask(O_WRONLY | O_APPEND);
    if (fd >= 0) this.append = fd;
    return fd;
  }

  /** An fd that locks for reading and, where the file allows it, for writing. */
  forLocks(): number {
    if (this.#locks >= 0) return this.#locks;
    let fd = this.#ask(O_RDWR);
    if (fd < 0) fd = this.#ask(O_RDONLY, true);
    if (fd < 0) fd = this.#ask(O_WRONLY);
    if (fd >= 0) this.#locks = fd;
    return fd;
  }

  /** Any open one, or -1. */
  get any(): number {
    return this.readOnly >= 0 ? this.readOnly : this.readWrite >= 0 ? this.readWrite : this.append;
  }

  /** One to read from for the sentry itself: what is open already, or a new one. */
  forPread(): number {
    return this.readOnly < 0 && this.readWrite >= 0 && !this.isWriteOnly ? this.readWrite : this.forRead();
  }

  /** Takes over a read-only fd; false when there is one already. */
  offer(fd: number): boolean {
    if (this.readOnly >= 0) {
      closeFd(fd);
      return false;
    }
    this.readOnly = fd;
    return true;
  }

  take(): void {
    if (this.users++ === 0) this.#inode.fs.idleFiles.remove(this);
  }

  /** The last user gone, only a read fd is worth keeping: a writable one would make host programs ETXTBSY. */
  put(): void {
    if (--this.users > 0) return;
    this.closeWritable();
    if (this.#inode.isPassing) this.closeAll();
    else if (this.readOnly >= 0) this.#inode.fs.idleFiles.add(this);
  }

  closeWritable(): void {
    if (this.readWrite >= 0) closeFd(this.readWrite);
    if (this.append >= 0) closeFd(this.append);
    if (this.#locks >= 0) closeFd(this.#locks);
    this.#locks = -1;
    this.readWrite = -1;
    this.append = -1;
  }

  closeAll(): void {
    this.closeWritable();
    if (this.readOnly >= 0) closeFd(this.readOnly);
    this.readOnly = -1;
    this.#inode.fs.idleFiles.remove(this);
  }

  /** `isOwn`: an open file description of its own, not one that came along with something else. */
  #ask(flags: number, isOwn = false): number {
    const { client } = this.#inode.fs;
    const node = this.#inode.nodeForOpen(flags === O_RDONLY && !isOwn);
    if (node < 0) return node;
    // Finding the node may have brought the fd along.
    if (flags === O_RDONLY && !isOwn && this.readOnly >= 0) return this.readOnly;
    const answer = client.call(open, node, flags);
    if (typeof answer === "number") return answer;
    const fd = client.takeFd();
    return fd >= 0 ? fd : (EIO as Errno);
  }
}

/** Files that nobody has open but whose read fd is kept, oldest first. */
export class IdleFiles {
  readonly #files = new Set<HostFiles>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(file: HostFiles): void {
    this.#files.add(file);
    if (this.#files.size <= this.#most) return;
    const [oldest] = this.#files;
    oldest.closeAll();
  }

  remove(file: HostFiles): void {
    this.#files.delete(file);
  }

  closeAll(): void {
    for (const file of this.#files) file.closeAll();
  }
}
