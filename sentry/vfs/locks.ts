/** File locks: POSIX byte ranges, open-file-description ranges, flock. */
import type { WaitQueue } from "../task/blocking.ts";
import type { FdTable } from "./fd-table.ts";
import type { Inode } from "./inode.ts";
import type { OpenFile } from "./open-file.ts";

export interface InodeLocks {
  readonly queue: WaitQueue;
}

/** close(2): every POSIX lock of `owner` on the inode goes. */
export const dropPosixLocks = (_inode: Inode, _owner: FdTable): void => {};

/** The last reference to an open file goes, and its OFD and flock locks with it. */
export const dropFileLocks = (_file: OpenFile): void => {};
