/** What a file offers to mmap(2): a host fd whose pages are the file's pages. */
import type { Errno } from "../abi/errno.ts";
import type { Inode } from "../vfs/inode.ts";
import type { Path } from "../vfs/path.ts";

export interface FileMapping {
  /** For /proc/pid/maps and for sharing decisions; same inode, same pages. */
  readonly inode: Inode;
  /** The name shown in /proc/pid/maps. */
  readonly name: string;
  /** Where it was opened; absent for what has no name or another one below. */
  readonly path?: Path | null;
  /** memfd_secret(2): mapped shared and locked only, and read by nobody else. */
  readonly isSecret?: boolean;
  /**
   * A host fd that maps the file: opened for reading only unless `writable`. Owned by the
   * file; stays open while a mapping holds a reference. Null for memory without a file
   * behind it (/dev/zero: map anonymous instead).
   */
  hostFd(writable: boolean): number | Errno | null;
  /** Where in the host fd `length` bytes at `offset` lie, or an errno. Absent: there. */
  place?(offset: number, length: number): number;
  /** One more VMA refers to it; `isSharedWritable`: stores through it may reach the file (F_ADD_SEALS asks). */
  takeMapping(isSharedWritable: boolean): void;
  /** One VMA less. */
  putMapping(isSharedWritable: boolean): void;
}
