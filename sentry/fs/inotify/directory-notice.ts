/** fcntl(2) F_NOTIFY: a signal when something happens in a directory (fs/notify/dnotify/dnotify.c). */
import { DN_ACCESS, DN_ATTRIB, DN_CREATE, DN_DELETE, DN_MODIFY, DN_MULTISHOT, DN_RENAME } from "../../../syscall-tables/flags/fd.ts";
import { IN_ACCESS, IN_ATTRIB, IN_CREATE, IN_DELETE, IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO } from "../../../syscall-tables/flags/open.ts";
import { ENOTDIR } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { AsyncNotifier } from "../../vfs/async.ts";
import type { FdTable } from "../../vfs/fd-table.ts";
import type { CloseListener, OpenFile } from "../../vfs/open-file.ts";
import { InodeMarks, type Watch, type Watcher } from "./inode-marks.ts";

/** convert_arg(): what of inotify's events each bit means. */
const EVENTS: readonly (readonly [number, number])[] = [
  [DN_ACCESS, IN_ACCESS],
  [DN_MODIFY, IN_MODIFY],
  [DN_CREATE, IN_CREATE | IN_MOVED_TO],
  [DN_DELETE, IN_DELETE | IN_MOVED_FROM],
  [DN_RENAME, IN_MOVED_FROM | IN_MOVED_TO],
  [DN_ATTRIB, IN_ATTRIB],
];

/** What one fd table asked about one open directory. */
class DirectoryNotice implements Watch, Watcher, CloseListener {
  readonly directory: OpenFile;
  readonly table: FdTable;
  readonly marks: InodeMarks;
  readonly file = this;
  readonly wd = 0;
  fd: number;
  mask = 0;
  /** DN_* */
  #wanted = 0;
  /** A name left the directory: it may come back under another (FS_RENAME is for moves within). */
  #movedCookie = 0;

  constructor(task: Task, fd: number, directory: OpenFile) {
    this.directory = directory;
    this.table = task.files;
    this.fd = fd;
    this.marks = InodeMarks.of(directory.inode);
    this.marks.add(this, task.kernel);
    directory.closeListeners ??= [];
    directory.closeListeners.push(this);
  }

  want(bits: number): void {
    this.#wanted |= bits;
    for (const [bit, events] of EVENTS) if ((bits & bit) !== 0) this.mask |= events;
  }

  deliver(_watch: Watch, mask: number, _name: string, cookie: number): void {
    let bits = 0;
    for (const [bit, events] of EVENTS) if (bit !== DN_RENAME && (mask & events) !== 0) bits |= bit;
    if ((mask & IN_MOVED_FROM) !== 0) this.#movedCookie = cookie;
    else if ((mask & IN_MOVED_TO) !== 0 && cookie === this.#movedCookie) this.#tell(DN_RENAME);
    this.#tell(bits);
  }

  #tell(bits: number): void {
    if ((this.#wanted & bits) === 0) return;
    this.directory.async?.message(this.fd);
    if ((this.#wanted & DN_MULTISHOT) === 0) this.end();
  }

  forget(_watch: Watch): void {
    this.end();
  }

  closedBy(table: FdTable): void {
    if (table === this.table) this.end();
  }

  end(): void {
    const { directory } = this;
    if (!directory.closeListeners?.includes(this)) return;
    const others = directory.closeListeners.filter((listener) => listener !== this);
    directory.closeListeners = others.length > 0 ? others : null;
    this.#wanted = 0;
    this.marks.remove(this);
  }
}

/** F_NOTIFY: more bits for what the table asked already; none ends it. */
export const setDirectoryNotice = (task: Task, fd: number, file: OpenFile, bits: number): number => {
  const { files } = task;
  const found = file.closeListeners?.find((listener) => listener instanceof DirectoryNotice && listener.table === files);
  let notice = found instanceof DirectoryNotice ? found : null;
  if ((bits & ~DN_MULTISHOT) === 0) {
    notice?.end();
    return 0;
  }
  if (!file.inode.isDirectory) return ENOTDIR;
  file.async ??= new AsyncNotifier(file);
  file.async.ownedAtLeastBy(task);
  notice ??= new DirectoryNotice(task, fd, file);
  notice.fd = fd;
  notice.want(bits);
  return 0;
};
