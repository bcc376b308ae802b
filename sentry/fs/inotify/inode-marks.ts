/** The watches of one inode, where the VFS leaves its events (struct fsnotify_mark_connector). */
import { IN_ALL_EVENTS, IN_DELETE_SELF, IN_EXCL_UNLINK, IN_ISDIR, IN_MOVE_SELF, IN_UNMOUNT } from "../../../syscall-tables/flags/open.ts";
import type { Kernel } from "../../kernel.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { InodeWatches } from "../../vfs/notify.ts";

/** Who hears the events: an inotify file, or one F_NOTIFY of a directory. */
export interface Watcher {
  deliver(watch: Watch, mask: number, name: string, cookie: number): void;
  /** The inode is gone. */
  forget(watch: Watch): void;
}

export interface Watch {
  readonly file: Watcher;
  readonly wd: number;
  readonly marks: InodeMarks;
  /** IN_ALL_EVENTS, IN_ONESHOT, IN_EXCL_UNLINK */
  mask: number;
}

export class InodeMarks implements InodeWatches {
  readonly inode: Inode;
  readonly #watches: Watch[] = [];

  constructor(inode: Inode) {
    this.inode = inode;
  }

  static of(inode: Inode): InodeMarks {
    if (inode.watches instanceof InodeMarks) return inode.watches;
    const marks = new InodeMarks(inode);
    inode.watches = marks;
    return marks;
  }

  find(file: Watcher): Watch | null {
    for (const watch of this.#watches) if (watch.file === file) return watch;
    return null;
  }

  add(watch: Watch, kernel: Kernel): void {
    this.#watches.push(watch);
    if (this.#watches.length === 1) this.inode.watched(kernel);
  }

  remove(watch: Watch): void {
    const index = this.#watches.indexOf(watch);
    if (index >= 0) this.#watches.splice(index, 1);
    if (this.#watches.length > 0) return;
    this.inode.watches = null;
    this.inode.unwatched();
  }

  event(mask: number, name: string, cookie: number): void {
    this.inode.sawOwnChange(name);
    this.outside(mask, name, cookie);
  }

  outside(mask: number, name: string, cookie: number): void {
    const what = mask & IN_ALL_EVENTS;
    const isEnd = (mask & (IN_DELETE_SELF | IN_UNMOUNT)) !== 0;
    // inotify_handle_inode_event(): these two never say IN_ISDIR.
    const hidden = (mask & (IN_DELETE_SELF | IN_MOVE_SELF)) !== 0 ? IN_ISDIR | IN_EXCL_UNLINK : IN_EXCL_UNLINK;
    const told = mask & ~hidden;
    for (const watch of [...this.#watches]) {
      if ((mask & watch.mask & IN_EXCL_UNLINK) !== 0) continue;
      if ((watch.mask & what) !== 0 || (mask & IN_UNMOUNT) !== 0) watch.file.deliver(watch, told, name, cookie);
      if (isEnd) watch.file.forget(watch);
    }
  }
}
