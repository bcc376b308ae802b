/**
 * What the VFS does not know how to open itself. The VFS sends S_IFIFO, S_IFCHR, S_IFBLK
 * and S_IFSOCK inodes here, so no filesystem's `open` ever sees one.
 */
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFSOCK } from "../../syscall-tables/flags/open.ts";
import { ENXIO, type Errno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import { openDevice } from "./devices.ts";
import type { Inode } from "./inode.ts";
import type { OpenFile } from "./open-file.ts";
import type { Path } from "./path.ts";

export const special: {
  /**
   * Opens a named pipe (fifo(7)); the pipe hangs on `inode.pipe`. It never waits: the open
   * file counts as a reader or writer at once, and open(2) sleeps on its `waitQueue` while
   * `file.opening(task)` is EAGAIN. ENXIO for O_WRONLY | O_NONBLOCK without a reader.
   */
  openFifo: ((inode: Inode, path: Path, flags: number, task: Task) => OpenFile | Errno) | null;
} = { openFifo: null };

export const isSpecial = (mode: number): boolean => {
  const type = mode & S_IFMT;
  return type === S_IFIFO || type === S_IFCHR || type === S_IFBLK || type === S_IFSOCK;
};

export const openSpecial = (inode: Inode, path: Path, flags: number, task: Task): OpenFile | Errno => {
  if (inode.opensItself) return inode.open(path, flags, task);
  switch (inode.mode & S_IFMT) {
    case S_IFIFO:
      return special.openFifo === null ? ENXIO : special.openFifo(inode, path, flags, task);
    case S_IFCHR:
    case S_IFBLK:
      return openDevice(inode, path, flags, task);
    default:
      return ENXIO;
  }
};
