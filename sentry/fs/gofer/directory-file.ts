/** An open directory: a listing taken when reading begins, stable until it is rewound. */
import { SEEK_CUR, SEEK_SET } from "../../../syscall-tables/flags/fd.ts";
import { S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, EISDIR, ENOENT, type Errno, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { DirentSink } from "../../vfs/inode.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import type { GoferInode } from "./inode.ts";
import { DOTS, type Listing } from "./listing.ts";

export class DirectoryFile extends OpenFile {
  declare readonly inode: GoferInode;
  #listing: Listing | null = null;

  constructor(inode: GoferInode, path: Path, flags: number) {
    super(inode, path, flags);
  }

  override get isSeekable(): boolean {
    return true;
  }

  override read(): number {
    return EISDIR;
  }
  override pread(): number {
    return EISDIR;
  }

  override seek(offset: number, whence: number): number {
    const target = whence === SEEK_SET ? offset : whence === SEEK_CUR ? this.position + offset : -1;
    if (target < 0) return EINVAL;
    this.position = target;
    return target;
  }

  override readDirectory(sink: DirentSink, _task: Task): number {
    const { inode } = this;
    if (inode.nlink === 0) return ENOENT;
    const listing = this.#current();
    if (isErrno(listing)) return listing;
    if (this.position === 0) {
      if (!sink.add(".", inode.ino, S_IFDIR, 1)) return 0;
      this.position = 1;
    }
    if (this.position === 1) {
      const parent = this.path?.dentry.parent?.inode ?? inode;
      if (!sink.add("..", parent.ino, S_IFDIR, DOTS)) return 0;
      this.position = DOTS;
    }
    if (this.position < listing.length + DOTS) this.position = listing.emit(sink, this.position);
    return 0;
  }

  override sync(_task: Task): number {
    return 0;
  }

  #current(): Listing | Errno {
    if (this.#listing !== null && this.position !== 0) return this.#listing;
    const listing = this.inode.listing();
    if (isErrno(listing)) return listing;
    this.#listing = listing;
    listing.isRead = true;
    return listing;
  }
}
