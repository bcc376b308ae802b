/**
 * What procfs and sysfs are made of: directories that list what they hold, and files whose
 * text is made when it is read. A file's text is a snapshot per open file, made anew by
 * every read at position 0 (as seq_file does), so that programs which rewind see news.
 */

import { SEEK_CUR, SEEK_SET } from "../../../syscall-tables/flags/fd.ts";
import { S_IFDIR, S_IFLNK, S_IFREG } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, ENOENT, EPERM, type Errno, ESPIPE, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { DirectoryFile } from "../../vfs/directory-file.ts";
import type { Filesystem } from "../../vfs/filesystem.ts";
import { type AttributeChange, type DirentSink, Inode } from "../../vfs/inode.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";

/** Writes are taken up to this length in one piece (PAGE_SIZE, as sysctl and most of procfs). */
const WRITE_LIMIT = 4096;

export interface DirectoryEntry {
  readonly name: string;
  readonly inode: Inode;
}

/** Inodes whose attributes nobody changes. */
export abstract class GeneratedInode extends Inode {
  override get blocks(): number {
    return 0;
  }

  /** O_TRUNC and utimes(2) pass without effect; modes and owners follow from the object. */
  override setAttributes(change: AttributeChange, _task: Task | null): number {
    return change.mode !== undefined || change.uid !== undefined || change.gid !== undefined ? EPERM : 0;
  }
}

export abstract class ListedDirectory extends GeneratedInode {
  constructor(fs: Filesystem, ino: number, mode: number) {
    super(fs, ino, mode);
    this.nlink = 2;
  }

  /** The names in it, without "." and "..". */
  abstract entries(task: Task): Iterable<DirectoryEntry>;

  override open(path: Path, flags: number, _task: Task): OpenFile | Errno {
    return new ListedDirectoryFile(this, path, flags);
  }
}

class ListedDirectoryFile extends DirectoryFile {
  readonly #directory: ListedDirectory;
  #entries: DirectoryEntry[] | null = null;

  constructor(directory: ListedDirectory, path: Path, flags: number) {
    super(directory, path, flags);
    this.#directory = directory;
  }

  override readDirectory(sink: DirentSink, task: Task): number {
    if (this.position === 0 || this.#entries === null) this.#entries = [...this.#directory.entries(task)];
    const entries = this.#entries;
    if (this.position === 0 && !this.#emit(sink, ".", this.inode)) return 0;
    if (this.position === 1 && !this.#emit(sink, "..", this.path?.dentry.parent?.inode ?? this.inode)) return 0;
    while (this.position - 2 < entries.length) {
      const { name, inode } = entries[this.position - 2];
      if (!this.#emit(sink, name, inode)) break;
    }
    return 0;
  }

  #emit(sink: DirentSink, name: string, inode: Inode): boolean {
    if (!sink.add(name, inode.ino, inode.mode, this.position + 1)) return false;
    this.position++;
    return true;
  }
}

/** Fixed names. */
export class GeneratedDirectory extends ListedDirectory {
  readonly #children = new Map<string, Inode>();

  constructor(fs: Filesystem, ino: number, mode: number = S_IFDIR | 0o555) {
    super(fs, ino, mode);
  }

  add(name: string, inode: Inode): void {
    this.#children.set(name, inode);
    if (inode.isDirectory) this.nlink++;
  }

  child(name: string): Inode | null {
    return this.#children.get(name) ?? null;
  }

  override lookup(name: string, _task: Task | null): Inode | Errno {
    return this.#children.get(name) ?? ENOENT;
  }

  override *entries(): Iterable<DirectoryEntry> {
    for (const [name, inode] of this.#children) yield { name, inode };
  }
}

/** A symbolic link with a target that may depend on the reader. */
export class GeneratedLink extends GeneratedInode {
  readonly #target: (task: Task) => string | Errno;

  constructor(fs: Filesystem, ino: number, target: (task: Task) => string | Errno, mode: number = S_IFLNK | 0o777) {
    super(fs, ino, mode);
    this.#target = target;
  }

  override readlink(task: Task): string | Errno {
    return this.#target(task);
  }
}

/** A file whose text is made when it is read (latin1: one char per byte). */
export abstract class TextInode extends GeneratedInode {
  constructor(fs: Filesystem, ino: number, mode: number) {
    super(fs, ino, S_IFREG | mode);
  }

  /** The text, as `task` sees it. */
  abstract text(task: Task): string | Errno;

  /** What write(2) does; `offset` is the position. The number of bytes taken, or an errno. */
  store(_text: string, _task: Task, _offset: number): number {
    return EINVAL;
  }

  /** It is a seq_file, whose open takes pwrite(2) away (seq_open()). */
  get isSequence(): boolean {
    return false;
  }

  /** 0, or why this open is refused. */
  protected mayOpen(_flags: number, _task: Task): number {
    return 0;
  }

  override open(path: Path, flags: number, task: Task): OpenFile | Errno {
    const error = this.mayOpen(flags, task);
    return error < 0 ? (error as Errno) : new TextFile(this, path, flags);
  }
}

export class TextFile extends OpenFile {
  readonly #inode: TextInode;
  #bytes: Uint8Array | null = null;

  constructor(inode: TextInode, path: Path, flags: number) {
    super(inode, path, flags);
    this.#inode = inode;
  }

  override get isSeekable(): boolean {
    return true;
  }

  override read(io: Io, task: Task): number {
    const n = this.pread(io, this.position, task);
    if (n > 0) this.position += n;
    return n;
  }

  override pread(io: Io, offset: number, task: Task): number {
    if (this.#bytes === null || offset === 0) {
      const text = this.#inode.text(task);
      if (isErrno(text)) return text;
      this.#bytes = Buffer.from(text, "latin1");
    }
    const bytes = this.#bytes;
    if (offset >= bytes.length || io.remaining === 0) return 0;
    return io.put(bytes, offset, bytes.length - offset);
  }

  override write(io: Io, task: Task): number {
    const n = this.#writeAt(io, this.position, task);
    if (n > 0) this.position += n;
    return n;
  }

  override pwrite(io: Io, offset: number, task: Task): number {
    return this.#inode.isSequence ? ESPIPE : this.#writeAt(io, offset, task);
  }

  #writeAt(io: Io, offset: number, task: Task): number {
    const bytes = new Uint8Array(Math.min(io.remaining, WRITE_LIMIT));
    const n = io.take(bytes, 0, bytes.length);
    if (n < 0) return n;
    return this.#inode.store(Buffer.from(bytes.subarray(0, n)).toString("latin1"), task, offset);
  }

  /** seq_lseek(): there is no end to count from. */
  override seek(offset: number, whence: number): number {
    if (whence !== SEEK_SET && whence !== SEEK_CUR) return EINVAL;
    const position = whence === SEEK_SET ? offset : this.position + offset;
    if (position < 0) return EINVAL;
    this.position = position;
    return position;
  }

  override truncate(_length: number, _task: Task): number {
    return 0;
  }
}

/** A text file made of functions. */
export class TextFileInode extends TextInode {
  readonly #text: (task: Task) => string | Errno;
  readonly #store: ((text: string, task: Task) => number) | null;

  /** `store` returns 0 or an errno; all that was written is then taken. */
  constructor(
    fs: Filesystem,
    ino: number,
    mode: number,
    text: (task: Task) => string | Errno,
    store: ((text: string, task: Task) => number) | null = null,
  ) {
    super(fs, ino, mode);
    this.#text = text;
    this.#store = store;
  }

  override text(task: Task): string | Errno {
    return this.#text(task);
  }

  override store(text: string, task: Task, _offset: number): number {
    if (this.#store === null) return EINVAL;
    const error = this.#store(text, task);
    return error < 0 ? error : text.length;
  }
}
