/** Access times as mounted: relatime by default (mount(8), fs/inode.c atime_needs_update). */
import { MS_NOATIME, MS_NODIRATIME, MS_RELATIME } from "../../syscall-tables/flags/mount.ts";
import { O_NOATIME } from "../../syscall-tables/flags/open.ts";
import type { Task } from "../task/task.ts";
import type { Inode, Timestamp } from "./inode.ts";
import type { Mount } from "./mount.ts";
import type { OpenFile } from "./open-file.ts";

const DAY = 24 * 60 * 60;
const SECOND_NS = 1e9;
/** The time, to a second or so: to know that a day has passed. */
const now: Timestamp = { sec: 0, nsec: 0 };
let nowReadNs = Number.NEGATIVE_INFINITY;

const isBefore = (a: Timestamp, b: Timestamp): boolean => a.sec < b.sec || (a.sec === b.sec && a.nsec <= b.nsec);

/** The file was read through `mount`. */
export const touchAtime = (inode: Inode, mount: Mount, task: Task): void => {
  if ((mount.flags & MS_NOATIME) !== 0 || !inode.keepsAtime || mount.isReadOnly) return;
  if ((mount.flags & MS_NODIRATIME) !== 0 && inode.isDirectory) return;
  const { clock } = task.kernel;
  if ((mount.flags & MS_RELATIME) !== 0 && !isBefore(inode.atime, inode.mtime) && !isBefore(inode.atime, inode.ctime)) {
    if (clock.lastNs - nowReadNs > SECOND_NS) {
      nowReadNs = clock.lastNs;
      clock.stamp(now);
    }
    if (now.sec - inode.atime.sec < DAY) return;
  }
  clock.stamp(inode.atime);
};

/** The same for an open file; call once per read or readdir. */
export const touchFileAtime = (file: OpenFile, task: Task): void => {
  if (file.path !== null && (file.flags & O_NOATIME) === 0) touchAtime(file.inode, file.path.mount, task);
};
