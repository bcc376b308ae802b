import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, UTIME_NOW, UTIME_OMIT } from "../../../syscall-tables/flags/open.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EFAULT, EINVAL, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { setTimes } from "../../vfs/attributes.ts";
import type { AttributeChange, Timestamp } from "../../vfs/inode.ts";
import { implement } from "../implement.ts";
import { atPath, fdPath } from "./at-path.ts";

const NSEC_PER_SEC = 1e9;

const NOW: AttributeChange = { atime: "now", mtime: "now" };

const signed64 = (view: DataView, at: number): number => view.getUint32(at, true) + view.getInt32(at + 4, true) * TWO_32;

/** Two timestamps; `scale`: nanoseconds per unit of the second word (timeval: 1000, timespec: 1). */
const readPair = (task: Task, addr: number, scale: number): AttributeChange | number => {
  if (addr === 0) return NOW;
  const view = task.memory.viewIn(addr, 32);
  if (isErrno(view)) return EFAULT;
  const change: AttributeChange = {};
  for (const [which, at] of [
    ["atime", 0],
    ["mtime", 16],
  ] as const) {
    const part = signed64(view, at + 8);
    if (scale === 1 && part === UTIME_OMIT) continue;
    if (scale === 1 && part === UTIME_NOW) change[which] = "now";
    else if (scale !== 1 && (part < 0 || part >= NSEC_PER_SEC / scale)) return EINVAL;
    else change[which] = { sec: signed64(view, at), nsec: part * scale } satisfies Timestamp;
  }
  return change;
};

/** nsec_valid(), which vfs_utimes() asks once the file is found. */
const isValid = (time: Timestamp | "now" | undefined): boolean =>
  time === undefined || time === "now" || (time.nsec >= 0 && time.nsec < NSEC_PER_SEC);

/** do_utimes(): a null path is the descriptor itself. */
const apply = (task: Task, dirfd: number, path: string | null, change: AttributeChange | number, flags: number): number => {
  if (typeof change === "number") return change;
  if (change.atime === undefined && change.mtime === undefined) return 0;
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return EINVAL;
  if (path === null && dirfd !== AT_FDCWD && flags !== 0 && (flags & AT_EMPTY_PATH) === 0) return EINVAL;
  const place = path === null && dirfd !== AT_FDCWD ? fdPath(task, dirfd) : atPath(task, dirfd, path, flags);
  if (isErrno(place)) return place;
  return isValid(change.atime) && isValid(change.mtime) ? setTimes(task, place, change) : EINVAL;
};

/** utimensat(2) */
export const sys_utimensat = implement("utimensat", { level: "full" }, (task, dirfd, path, timesAddr, flags) =>
  apply(task, dirfd, path, readPair(task, timesAddr, 1), flags),
);

/** futimesat(2) */
export const sys_futimesat = implement("futimesat", { level: "full" }, (task, dirfd, path, timesAddr) =>
  apply(task, dirfd, path, readPair(task, timesAddr, 1000), 0),
);

/** utimes(2) */
export const sys_utimes = implement("utimes", { level: "full" }, (task, path, timesAddr) =>
  apply(task, AT_FDCWD, path, readPair(task, timesAddr, 1000), 0),
);

/** utime(2): whole seconds. */
export const sys_utime = implement("utime", { level: "full" }, (task, path, timesAddr) => {
  if (timesAddr === 0) return apply(task, AT_FDCWD, path, NOW, 0);
  const view = task.memory.viewIn(timesAddr, 16);
  if (isErrno(view)) return EFAULT;
  const change: AttributeChange = { atime: { sec: signed64(view, 0), nsec: 0 }, mtime: { sec: signed64(view, 8), nsec: 0 } };
  return apply(task, AT_FDCWD, path, change, 0);
});
