/** An inode of a tree that others change too: asked about again whenever it is shown, written through. */

import { ATTRIBUTE_COUNT, MODE } from "../../../gofer/protocol/attributes.ts";
import {
  create,
  getattr,
  link,
  mkdir,
  mknod,
  removexattr,
  rename,
  rmdir,
  SET_GID,
  SET_MODE,
  SET_SIZE,
  SET_UID,
  setattr,
  setxattr,
  symlink,
  tmpfile,
  unlink,
  WALK_OPEN,
  walk,
} from "../../../gofer/protocol/messages.ts";
import { fdStat, statFd } from "../../../native/ffi/file-calls-unsafe.ts";
import {
  RENAME_EXCHANGE,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  UTIME_NOW,
  UTIME_OMIT,
} from "../../../syscall-tables/flags/open.ts";
import { NAME_MAX } from "../../../syscall-tables/limits.ts";
import { EIO, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, type Errno, ESTALE } from "../../abi/errno.ts";
import type { Answer } from "../../host/gofer-client.ts";
import type { Kernel } from "../../kernel.ts";
import type { Task } from "../../task/task.ts";
import type { AttributeChange, Inode, Timestamp } from "../../vfs/inode.ts";
import type { HostLocks } from "../../vfs/locks.ts";
import { components } from "./components.ts";
import { GoferLocks } from "./host-locks.ts";
import { hostWatchesOf } from "./host-watches.ts";
import { GoferInode, isRow } from "./inode.ts";
import type { Listing } from "./listing.ts";

/** A stat right behind the lookup that found the file believes the lookup. */
const FRESH_MS = 0.5;

const seconds = (time: Timestamp | "now" | undefined): number => (typeof time === "object" ? time.sec : 0);
const nanoseconds = (time: Timestamp | "now" | undefined): number =>
  time === undefined ? UTIME_OMIT : time === "now" ? UTIME_NOW : time.nsec;

export class SharedInode extends GoferInode {
  #fetchedAt = performance.now();
  /** As fstat(2) shows them to the sentry, whose user namespace may differ from the gofer's; -1: not looked at. */
  #hostUid = -1;
  #hostGid = -1;
  /** What a walk ahead found under one name of this directory (null: nothing), for the lookup right behind it. */
  #aheadName = "";
  #ahead: SharedInode | null = null;
  #aheadAt = 0;
  /** A link's target, as of `#fetchedAt`. */
  #target: string | null = null;
  #locks: GoferLocks | null = null;

  override apply(rows: readonly number[], at: number): void {
    super.apply(rows, at);
    this.#target = null;
    this.#fetchedAt = performance.now();
  }

  override nodeId(): number {
    return this.node;
  }

  override refresh(): number {
    if (performance.now() - this.#fetchedAt < FRESH_MS) return 0;
    const fd = this.files === null ? -1 : this.files.any;
    if (fd >= 0 && this.#refreshFrom(fd)) return 0;
    const answer = this.fs.client.call(getattr, [this.node]);
    if (typeof answer === "number") return answer;
    const [, rows] = answer;
    if (!isRow(rows)) return EIO;
    if (rows[MODE] === 0) return ESTALE;
    this.apply(rows, 0);
    return 0;
  }

  /** Looks at the open file itself; false when its owner changed, which only the gofer can name. */
  #refreshFrom(fd: number): boolean {
    if (statFd(fd) < 0) return false;
    const isSameOwner = fdStat.uid() === this.#hostUid && fdStat.gid() === this.#hostGid;
    this.#hostUid = fdStat.uid();
    this.#hostGid = fdStat.gid();
    if (!isSameOwner) return false;
    this.mode = fdStat.mode();
    this.nlink = fdStat.nlink();
    this.size = fdStat.size();
    this.blocks = fdStat.blocks();
    this.atime.sec = fdStat.atimeSec();
    this.atime.nsec = fdStat.atimeNsec();
    this.mtime.sec = fdStat.mtimeSec();
    this.mtime.nsec = fdStat.mtimeNsec();
    this.ctime.sec = fdStat.ctimeSec();
    this.ctime.nsec = fdStat.ctimeNsec();
    this.#fetchedAt = performance.now();
    return true;
  }

  /** Written up to `end`, or no one knows how far (-1). */
  override contentChanged(end: number): void {
    this.#fetchedAt = 0;
    if (end > this.size) this.size = end;
    else if (end < 0) this.refresh();
  }

  override lookup(name: string, _task: Task | null): Inode | Errno {
    if (!this.isDirectory) return ENOTDIR;
    if (name.length > NAME_MAX) return ENAMETOOLONG;
    if (name === this.#aheadName && performance.now() - this.#aheadAt < FRESH_MS) {
      this.#aheadName = "";
      return this.#ahead ?? ENOENT;
    }
    const error = this.#walk([name]);
    if (error < 0) return error as Errno;
    this.#aheadName = "";
    return this.#ahead ?? ENOENT;
  }

  override lookAhead(path: string, at: number): void {
    if (!this.isDirectory) return;
    const wanted = components(path, at);
    if (wanted.length < 2 || (wanted[0] === this.#aheadName && performance.now() - this.#aheadAt < FRESH_MS)) return;
    this.#walk(wanted);
  }

  /** One message for names below each other: each directory on the way learns what stands under one of them. 0 or an errno. */
  #walk(wanted: string[]): number {
    const { fs } = this;
    const { client } = fs;
    const answer = client.call(walk, this.node, wanted, fs.opensAhead ? WALK_OPEN : 0, 0);
    if (typeof answer === "number") return answer;
    const fd = client.takeFd();
    const [, error, found, targets] = answer;
    let dir: SharedInode = this;
    let index = 0;
    for (let at = 0; at < found.length && index < wanted.length && dir.isDirectory; at += ATTRIBUTE_COUNT) {
      const child = fs.inodeOf(found, at, dir, "") as SharedInode;
      dir.#expect(wanted[index++], child);
      dir = child;
    }
    if (dir !== this && dir.isSymlink && targets.length > 0) [dir.#target] = targets;
    if (fd >= 0) dir.takeAhead(fd);
    if (error === ENOENT && index < wanted.length) dir.#expect(wanted[index], null);
    return index > 0 || error === ENOENT ? 0 : error;
  }

  #expect(name: string, child: SharedInode | null): void {
    this.#aheadName = name;
    this.#ahead = child;
    this.#aheadAt = performance.now();
  }

  /** A name of this directory was changed by the guest. */
  #namesChanged(): void {
    this.#fetchedAt = 0;
    this.#aheadName = "";
    this.#ahead = null;
  }

  override readlink(task: Task | null): string | Errno {
    return this.#target !== null && performance.now() - this.#fetchedAt < FRESH_MS ? this.#target : super.readlink(task);
  }

  override listing(): Listing | Errno {
    return this.fetchListing();
  }

  override create(name: string, mode: number, uid: number, gid: number, rdev: number): Inode | Errno {
    const { client } = this.fs;
    const permissions = mode & 0o7777;
    switch (mode & S_IFMT) {
      case S_IFREG:
        return this.#made(client.call(create, this.node, name, permissions, uid, gid), name);
      case S_IFDIR: {
        const made = this.#made(client.call(mkdir, this.node, name, permissions, uid, gid), name);
        if (typeof made !== "number") this.nlink++;
        return made;
      }
      case S_IFCHR:
        // A device of the host is nobody's to make from inside, a whiteout is.
        if (rdev !== 0) return EPERM;
        return this.#made(client.call(mknod, this.node, name, mode & 0xffff, uid, gid), name);
      case S_IFIFO:
      case S_IFSOCK:
        return this.#made(client.call(mknod, this.node, name, mode & 0xffff, uid, gid), name);
      default:
        return EPERM;
    }
  }

  override symlink(name: string, target: string, uid: number, gid: number): Inode | Errno {
    return this.#made(this.fs.client.call(symlink, this.node, name, target, uid, gid), name);
  }

  override createUnnamed(mode: number, uid: number, gid: number): Inode | Errno {
    return this.#made(this.fs.client.call(tmpfile, this.node, mode & 0o7777, uid, gid), "");
  }

  /** The inode of a new file, which may have come with an fd for its first opener. */
  #made(answer: Answer<[number[]]>, name: string): Inode | Errno {
    if (typeof answer === "number") return answer;
    const fd = this.fs.client.takeFd();
    this.#namesChanged();
    const inode = this.fs.inodeOf(answer[1], 0, this, name);
    if (fd >= 0) this.fs.keepNew(inode, fd);
    return inode;
  }

  override link(name: string, target: Inode): number {
    const inode = target as SharedInode;
    const answer = this.fs.client.call(link, this.node, name, inode.node);
    if (typeof answer === "number") return answer;
    this.#namesChanged();
    if (!isRow(answer[1])) return EIO;
    inode.apply(answer[1], 0);
    return 0;
  }

  override unlink(name: string, child: Inode): number {
    const answer = this.fs.client.call(unlink, this.node, name);
    if (typeof answer === "number") return answer;
    this.#removed(child as SharedInode);
    return 0;
  }

  override rmdir(name: string, child: Inode): number {
    const answer = this.fs.client.call(rmdir, this.node, name);
    if (typeof answer === "number") return answer;
    this.#removed(child as SharedInode);
    this.nlink = Math.max(2, this.nlink - 1);
    return 0;
  }

  #removed(child: SharedInode): void {
    this.#namesChanged();
    child.nlink = child.isDirectory ? 0 : Math.max(0, child.nlink - 1);
    child.#fetchedAt = 0;
  }

  override rename(name: string, child: Inode, newParent: Inode, newName: string, victim: Inode | null, flags: number): number {
    const target = newParent as SharedInode;
    const answer = this.fs.client.call(rename, this.node, name, target.node, newName, flags);
    if (typeof answer === "number") return answer;
    this.#namesChanged();
    target.#namesChanged();
    (child as SharedInode).#fetchedAt = 0;
    if (victim !== null && (flags & RENAME_EXCHANGE) === 0) target.#removed(victim as SharedInode);
    return 0;
  }

  override setAttributes(change: AttributeChange, _task: Task | null): number {
    let mask = 0;
    if (change.mode !== undefined) mask |= SET_MODE;
    if (change.uid !== undefined) mask |= SET_UID;
    if (change.gid !== undefined) mask |= SET_GID;
    if (change.size !== undefined) mask |= SET_SIZE;
    const answer = this.fs.client.call(
      setattr,
      this.node,
      mask,
      (change.mode ?? 0) & 0o7777,
      change.uid ?? 0,
      change.gid ?? 0,
      change.size ?? 0,
      seconds(change.atime),
      nanoseconds(change.atime),
      seconds(change.mtime),
      nanoseconds(change.mtime),
    );
    if (typeof answer === "number") return answer;
    if (!isRow(answer[1])) return EIO;
    this.apply(answer[1], 0);
    return 0;
  }

  override watched(kernel: Kernel): void {
    hostWatchesOf(this.fs.client).add(this, kernel);
  }
  override unwatched(): void {
    hostWatchesOf(this.fs.client).remove(this);
  }
  override sawOwnChange(name: string): void {
    hostWatchesOf(this.fs.client).saw(this, name);
  }

  /** A host process has changed it, or a name in it. */
  override changedOutside(): void {
    this.#namesChanged();
  }

  override hostLocks(): HostLocks | null {
    if (!this.isRegular) return null;
    this.#locks ??= new GoferLocks(this.hostFiles());
    return this.#locks;
  }

  override setXattr(name: string, value: Uint8Array, flags: number): number {
    const answer = this.fs.client.call(setxattr, this.node, name, value, flags);
    return typeof answer === "number" ? answer : 0;
  }

  override removeXattr(name: string): number {
    const answer = this.fs.client.call(removexattr, this.node, name);
    return typeof answer === "number" ? answer : 0;
  }
}
