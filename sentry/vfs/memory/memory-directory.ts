/** Directories in memory: names in the order they were made, each with a cookie that readdir can return to. */
import { RENAME_EXCHANGE, RENAME_WHITEOUT, S_IFCHR, S_IFDIR, S_IFMT, S_IFREG } from "../../../syscall-tables/flags/open.ts";
import { ENOENT, ENOSPC, ENOTEMPTY, type Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { touchFileAtime } from "../atime.ts";
import { DirectoryFile } from "../directory-file.ts";
import type { DirentSink, Inode } from "../inode.ts";
import type { OpenFile } from "../open-file.ts";
import type { Path } from "../path.ts";
import { MemoryInode } from "./memory-inode.ts";
import { MemoryLink, MemoryNode } from "./memory-node.ts";
import { MemoryRegular } from "./memory-regular.ts";

/** What tmpfs counts per entry in a directory's st_size (BOGO_DIRENT_SIZE). */
const ENTRY_SIZE = 20;
/** Positions 0 and 1 are "." and "..". */
const FIRST_COOKIE = 2;

export interface Entry {
  readonly name: string;
  readonly inode: MemoryInode;
  readonly cookie: number;
}

export class MemoryDirectory extends MemoryInode {
  readonly entries = new Map<string, Entry>();
  /** For ".." in listings; itself for the root. */
  parent: MemoryDirectory = this;
  nextCookie = FIRST_COOKIE;

  constructor(fs: MemoryInode["fs"], mode: number, uid: number, gid: number, origin: Inode | null = null) {
    super(fs, mode, uid, gid, origin);
    if (origin === null) {
      this.nlink = 2;
      this.size = 2 * ENTRY_SIZE;
    }
  }

  override get blocks(): number {
    return 0;
  }

  override lookup(name: string, _task: Task | null): Inode | Errno {
    return this.entries.get(name)?.inode ?? ENOENT;
  }

  override open(path: Path, flags: number, _task: Task): OpenFile | Errno {
    return new MemoryDirectoryFile(this, path, flags);
  }

  /** `name` shows `inode` from now on. */
  protected putEntry(name: string, inode: MemoryInode): void {
    // Anew, so that the order of the map stays that of the cookies.
    if (!this.entries.delete(name)) this.size += ENTRY_SIZE;
    this.entries.set(name, { name, inode, cookie: this.nextCookie++ });
    if (inode instanceof MemoryDirectory) inode.parent = this;
  }

  /** `name` shows nothing any more. */
  protected dropEntry(name: string): void {
    if (this.entries.delete(name)) this.size -= ENTRY_SIZE;
  }

  /** No names but "." and "..". */
  protected get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  /** Subdirectories come and go with a link each; filesystems that do not count them say 1. */
  protected countSubdirectory(step: number): void {
    if (this.nlink !== 1) this.nlink += step;
  }

  /** The classes that stand for a file here; the overlay has its own. */
  protected makeRegular(mode: number, uid: number, gid: number): MemoryRegular {
    return new MemoryRegular(this.fs, mode, uid, gid);
  }
  protected makeDirectory(mode: number, uid: number, gid: number): MemoryDirectory {
    return new MemoryDirectory(this.fs, mode, uid, gid);
  }

  #make(mode: number, uid: number, gid: number, rdev: number): MemoryInode {
    const type = mode & S_IFMT;
    if (type === S_IFDIR) return this.makeDirectory(mode, uid, gid);
    if (type === S_IFREG) return this.makeRegular(mode, uid, gid);
    return new MemoryNode(this.fs, mode, uid, gid, rdev);
  }

  override create(name: string, mode: number, uid: number, gid: number, rdev: number): Inode | Errno {
    if (!this.fs.budget.hasInode) return ENOSPC;
    const inode = this.#make(mode, uid, gid, rdev);
    if (inode.isDirectory) this.countSubdirectory(1);
    this.putEntry(name, inode);
    this.stampModification();
    return inode;
  }

  override symlink(name: string, target: string, uid: number, gid: number): Inode | Errno {
    if (!this.fs.budget.hasInode) return ENOSPC;
    const inode = new MemoryLink(this.fs, uid, gid, target);
    this.putEntry(name, inode);
    this.stampModification();
    return inode;
  }

  override createUnnamed(mode: number, uid: number, gid: number): Inode | Errno {
    if (!this.fs.budget.hasInode) return ENOSPC;
    const inode = this.makeRegular(mode, uid, gid);
    inode.nlink = 0;
    return inode;
  }

  override link(name: string, target: Inode): number {
    const inode = target as MemoryInode;
    inode.nlink++;
    inode.stampChange();
    this.putEntry(name, inode);
    this.stampModification();
    return 0;
  }

  override unlink(name: string, child: Inode): number {
    this.dropEntry(name);
    (child as MemoryInode).unlinked();
    this.stampModification();
    return 0;
  }

  override rmdir(name: string, child: Inode): number {
    const dir = child as MemoryDirectory;
    if (!dir.isEmpty) return ENOTEMPTY;
    this.dropEntry(name);
    this.countSubdirectory(-1);
    dir.nlink = 0;
    dir.stampChange();
    this.stampModification();
    return 0;
  }

  override rename(name: string, child: Inode, newParent: Inode, newName: string, victim: Inode | null, flags: number): number {
    const target = newParent as MemoryDirectory;
    const moved = child as MemoryInode;
    const replaced = victim as MemoryInode | null;
    if ((flags & RENAME_EXCHANGE) !== 0 && replaced !== null) {
      if (moved.isDirectory !== replaced.isDirectory && target !== this) {
        this.countSubdirectory(moved.isDirectory ? -1 : 1);
        target.countSubdirectory(moved.isDirectory ? 1 : -1);
      }
      this.putEntry(name, replaced);
      target.putEntry(newName, moved);
      replaced.stampChange();
    } else {
      if (replaced instanceof MemoryDirectory && !replaced.isEmpty) return ENOTEMPTY;
      if ((flags & RENAME_WHITEOUT) !== 0 && !this.fs.budget.hasInode) return ENOSPC;
      this.dropEntry(name);
      target.putEntry(newName, moved);
      if (replaced instanceof MemoryDirectory) {
        replaced.nlink = 0;
        replaced.stampChange();
        target.countSubdirectory(-1);
      } else if (replaced !== null) replaced.unlinked();
      if (moved.isDirectory && target !== this) {
        this.countSubdirectory(-1);
        target.countSubdirectory(1);
      }
      if ((flags & RENAME_WHITEOUT) !== 0) this.putEntry(name, new MemoryNode(this.fs, S_IFCHR, this.uid, this.gid, 0));
    }
    moved.stampChange();
    this.stampModification();
    if (target !== this) target.stampModification();
    return 0;
  }
}

class MemoryDirectoryFile extends DirectoryFile {
  declare readonly inode: MemoryDirectory;
  /** Where the last call stopped, so that the next need not search: valid while `position` is `#resumeAt`. */
  #iterator: Iterator<Entry> | null = null;
  #pending: Entry | null = null;
  #resumeAt = -1;
  /** Names made after the listing began are left out, or a loop that renames each would never end. */
  #endCookie = 0;

  override readDirectory(sink: DirentSink, task: Task): number {
    const dir = this.inode;
    if (this.position === 0) {
      this.#endCookie = dir.nextCookie;
      this.#resumeAt = -1;
      if (!sink.add(".", dir.ino, S_IFDIR, 1)) return 0;
      this.position = 1;
    }
    if (this.position === 1) {
      if (!sink.add("..", this.path?.dentry.parent?.inode.ino ?? dir.parent.ino, S_IFDIR, FIRST_COOKIE)) return 0;
      this.position = FIRST_COOKIE;
    }
    if (dir.nlink === 0) return 0;
    touchFileAtime(this, task);
    if (this.#resumeAt !== this.position) {
      if (this.#endCookie === 0) this.#endCookie = dir.nextCookie;
      this.#iterator = dir.entries.values();
      this.#pending = null;
    }
    for (;;) {
      const entry = this.#pending ?? this.#iterator?.next().value ?? null;
      this.#pending = null;
      if (entry === null || entry.cookie >= this.#endCookie) {
        this.#pending = entry;
        break;
      }
      if (entry.cookie < this.position || dir.entries.get(entry.name) !== entry) continue;
      if (!sink.add(entry.name, entry.inode.ino, entry.inode.mode, entry.cookie + 1)) {
        this.#pending = entry;
        break;
      }
      this.position = entry.cookie + 1;
    }
    this.#resumeAt = this.position;
    return 0;
  }
}
