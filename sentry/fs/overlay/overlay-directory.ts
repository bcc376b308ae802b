/** A directory of the overlay: its own names, less the lower ones removed, over the lower ones. */
import { S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { ENOENT, type Errno, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { touchFileAtime } from "../../vfs/atime.ts";
import { DirectoryFile } from "../../vfs/directory-file.ts";
import type { DirentSink, Inode } from "../../vfs/inode.ts";
import { MemoryDirectory } from "../../vfs/memory/memory-directory.ts";
import type { MemoryInode } from "../../vfs/memory/memory-inode.ts";
import type { MemoryRegular } from "../../vfs/memory/memory-regular.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import type { Overlay } from "./overlay.ts";
import { OverlayRegular } from "./overlay-regular.ts";

/** Positions 0 and 1 are "." and "..". */
const FIRST_LOWER = 2;

interface Listed {
  readonly name: string;
  readonly ino: number;
  readonly mode: number;
}

export class OverlayDirectory extends MemoryDirectory {
  declare readonly fs: Overlay;
  /** Lower names that are removed here. */
  #whiteouts: Set<string> | null = null;

  /** As with the size: what its own filesystem says. */
  override get blocks(): number {
    return this.origin === null ? super.blocks : this.origin.blocks;
  }

  override lookup(name: string, task: Task | null): Inode | Errno {
    const entry = this.entries.get(name);
    if (entry !== undefined) return entry.inode;
    const { origin } = this;
    if (origin === null || this.isWhiteout(name)) return ENOENT;
    const found = origin.lookup(name, task);
    return isErrno(found) ? found : this.fs.show(found, this);
  }

  override lookAhead(path: string, at: number): void {
    if (this.origin === null) return;
    if (this.entries.size > 0 || this.#whiteouts !== null) {
      const end = path.indexOf("/", at);
      const name = path.slice(at, end < 0 ? path.length : end);
      if (this.entries.has(name) || this.isWhiteout(name)) return;
    }
    this.origin.lookAhead(path, at);
  }

  get hasWhiteouts(): boolean {
    return this.#whiteouts !== null;
  }

  isWhiteout(name: string): boolean {
    return this.#whiteouts?.has(name) ?? false;
  }

  override open(path: Path, flags: number, task: Task): OpenFile | Errno {
    return this.origin === null ? super.open(path, flags, task) : new OverlayDirectoryFile(this, path, flags);
  }

  protected override makeRegular(mode: number, uid: number, gid: number): MemoryRegular {
    return new OverlayRegular(this.fs, mode, uid, gid);
  }
  protected override makeDirectory(mode: number, uid: number, gid: number): MemoryDirectory {
    return new OverlayDirectory(this.fs, mode, uid, gid);
  }

  protected override putEntry(name: string, inode: MemoryInode): void {
    const { size } = this;
    super.putEntry(name, inode);
    // A lower directory keeps the size that its filesystem gave it.
    if (this.origin !== null) this.size = size;
    this.modify();
  }

  protected override dropEntry(name: string): void {
    const { size } = this;
    super.dropEntry(name);
    this.modify();
    if (this.origin === null) return;
    this.size = size;
    this.#whiteouts ??= new Set();
    this.#whiteouts.add(name);
  }

  protected override get isEmpty(): boolean {
    return this.entries.size === 0 && this.lowerNames(null).length === 0;
  }

  /** The lower names that show through. */
  lowerNames(task: Task | null): Listed[] {
    const { origin } = this;
    if (origin === null) return [];
    const file = this.fs.openLower(origin, task);
    if (isErrno(file)) return [];
    const names: Listed[] = [];
    const sink: DirentSink = {
      add: (name, ino, mode) => {
        if (name !== "." && name !== ".." && !this.isWhiteout(name) && !this.entries.has(name)) names.push({ name, ino, mode });
        return true;
      },
    };
    for (let position = -1; position !== file.position; ) {
      position = file.position;
      if (file.readDirectory(sink, task as Task) < 0) break;
    }
    file.put();
    return names;
  }
}

/**
 * Lists what was there when the listing began; what is removed meanwhile is left out. While the
 * directory has no names of its own its listing is the lower one, which need not be copied.
 */
class OverlayDirectoryFile extends DirectoryFile {
  declare readonly inode: OverlayDirectory;
  #lower: Listed[] = [];
  #upper: Listed[] = [];
  #isListed = false;
  /** Set: all names are the lower directory's. */
  #through: OpenFile | null = null;
  readonly #filter: DirentSink = {
    add: (name, ino, mode, nextPosition) => {
      const dir = this.inode;
      return (dir.isWhiteout(name) && !dir.entries.has(name)) || (this.#sink as DirentSink).add(name, ino, mode, nextPosition);
    },
  };
  #sink: DirentSink | null = null;

  #list(task: Task): void {
    const dir = this.inode;
    this.#isListed = true;
    this.#lower = [];
    this.#upper = [];
    this.#putThrough();
    if (dir.entries.size === 0 && !dir.hasWhiteouts && dir.origin !== null) {
      const file = dir.fs.openLower(dir.origin, task);
      if (!isErrno(file)) this.#through = file;
      return;
    }
    this.#lower = dir.lowerNames(task);
    for (const { name, inode } of dir.entries.values()) this.#upper.push({ name, ino: inode.ino, mode: inode.mode });
  }

  #putThrough(): void {
    this.#through?.put();
    this.#through = null;
  }

  protected override release(): void {
    this.#putThrough();
    super.release();
  }

  override readDirectory(sink: DirentSink, task: Task): number {
    const dir = this.inode;
    if (this.position === 0 || !this.#isListed) this.#list(task);
    if (this.position === 0) {
      if (!sink.add(".", dir.ino, S_IFDIR, 1)) return 0;
      this.position = 1;
    }
    if (this.position === 1) {
      if (!sink.add("..", this.path?.dentry.parent?.inode.ino ?? dir.parent.ino, S_IFDIR, FIRST_LOWER)) return 0;
      this.position = FIRST_LOWER;
    }
    touchFileAtime(this, task);
    if (dir.nlink === 0) return 0;
    if (this.#through !== null) return this.#readThrough(this.#through, sink, task);
    const upperStart = FIRST_LOWER + this.#lower.length;
    for (; this.position < upperStart; this.position++) {
      const { name, ino, mode } = this.#lower[this.position - FIRST_LOWER];
      if (dir.isWhiteout(name) && !dir.entries.has(name)) continue;
      if (!sink.add(name, ino, mode, this.position + 1)) return 0;
    }
    for (; this.position < upperStart + this.#upper.length; this.position++) {
      const { name, ino, mode } = this.#upper[this.position - upperStart];
      if (!dir.entries.has(name)) continue;
      if (!sink.add(name, ino, mode, this.position + 1)) return 0;
    }
    return 0;
  }

  #readThrough(lower: OpenFile, sink: DirentSink, task: Task): number {
    this.#sink = sink;
    lower.position = this.position;
    const error = lower.readDirectory(this.inode.hasWhiteouts ? this.#filter : sink, task);
    this.#sink = null;
    this.position = lower.position;
    return error;
  }
}
