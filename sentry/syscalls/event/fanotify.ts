import {
  FAN_ACCESS,
  FAN_CLASS_CONTENT,
  FAN_CLASS_PRE_CONTENT,
  FAN_CLOEXEC,
  FAN_CLOSE_NOWRITE,
  FAN_CLOSE_WRITE,
  FAN_EVENT_ON_CHILD,
  FAN_MARK_ADD,
  FAN_MARK_DONT_FOLLOW,
  FAN_MARK_EVICTABLE,
  FAN_MARK_FLUSH,
  FAN_MARK_IGNORE,
  FAN_MARK_IGNORED_MASK,
  FAN_MARK_IGNORED_SURV_MODIFY,
  FAN_MARK_ONLYDIR,
  FAN_MARK_REMOVE,
  FAN_MODIFY,
  FAN_NONBLOCK,
  FAN_ONDIR,
  FAN_OPEN,
  FAN_OPEN_EXEC,
  FAN_REPORT_TID,
  FAN_UNLIMITED_MARKS,
  FAN_UNLIMITED_QUEUE,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_DSYNC,
  O_LARGEFILE,
  O_NOATIME,
  O_NONBLOCK,
  O_SYNC,
} from "../../../syscall-tables/flags/open.ts";
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EBADF, EEXIST, EINVAL, EISDIR, ENOTDIR, EPERM, type Errno, isErrno } from "../../abi/errno.ts";
import { FanotifyFile } from "../../fs/fanotify/fanotify.ts";
import { MARK_KINDS } from "../../fs/fanotify/marks.ts";
import type { Task } from "../../task/task.ts";
import { initialUserNamespace } from "../../task/user-namespace.ts";
import type { Path } from "../../vfs/path.ts";
import { MAY_READ, mayAccess } from "../../vfs/permission.ts";
import { WALK_DIRECTORY, WALK_FOLLOW } from "../../vfs/vfs.ts";
import { implement } from "../implement.ts";

const INIT_FLAGS =
  FAN_CLOEXEC | FAN_NONBLOCK | FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_REPORT_TID;
const CLASSES = FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT;
/** FANOTIFY_INIT_ALL_EVENT_F_BITS */
const EVENT_FILE_FLAGS = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_CLOEXEC | O_LARGEFILE | O_NOATIME;
const COMMANDS = FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_FLUSH;
const MARK_FLAGS =
  COMMANDS |
  MARK_KINDS |
  FAN_MARK_DONT_FOLLOW |
  FAN_MARK_ONLYDIR |
  FAN_MARK_IGNORED_MASK |
  FAN_MARK_IGNORED_SURV_MODIFY |
  FAN_MARK_EVICTABLE |
  FAN_MARK_IGNORE;
const PATH_EVENTS = FAN_ACCESS | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_CLOSE_NOWRITE | FAN_OPEN | FAN_OPEN_EXEC;
const EVENT_FLAGS = FAN_ONDIR | FAN_EVENT_ON_CHILD;

const note = { level: "partial", note: "no permission events, and nothing that reports file handles (FAN_REPORT_FID): EINVAL" } as const;

/** fanotify_init(2) */
export const sys_fanotify_init = implement("fanotify_init", note, (task, flags, eventFlags) => {
  // Without the capability a group must report file handles.
  if (!task.creds.hasIn(initialUserNamespace(), CAP_SYS_ADMIN)) return EPERM;
  if ((flags & ~INIT_FLAGS) !== 0 || (flags & CLASSES) === CLASSES) return EINVAL;
  if ((eventFlags & ~EVENT_FILE_FLAGS) !== 0 || (eventFlags & O_ACCMODE) === O_ACCMODE) return EINVAL;
  const room = task.files.canInstall();
  if (room < 0) return room;
  const status = (flags & FAN_NONBLOCK) !== 0 ? O_NONBLOCK : 0;
  return task.files.install(new FanotifyFile(task.kernel, flags, status, eventFlags), (flags & FAN_CLOEXEC) !== 0);
});

/** fanotify_find_path() */
const findPath = (task: Task, dirfd: number, path: string | null, flags: number): Path | Errno => {
  if (path === null) {
    const file = task.files.get(dirfd);
    if (file === null || file.path === null) return EBADF;
    return (flags & FAN_MARK_ONLYDIR) !== 0 && !file.inode.isDirectory ? ENOTDIR : file.path;
  }
  const how = ((flags & FAN_MARK_DONT_FOLLOW) === 0 ? WALK_FOLLOW : 0) | ((flags & FAN_MARK_ONLYDIR) === 0 ? 0 : WALK_DIRECTORY);
  return task.kernel.vfs.walk(task, dirfd, path, how);
};

/** What flags and mask say together: 0 or EINVAL. */
const checkRequest = (flags: number, mask: number): number => {
  const command = flags & COMMANDS;
  const kind = flags & MARK_KINDS;
  if ((flags & ~MARK_FLAGS) !== 0 || kind === MARK_KINDS) return EINVAL;
  if (command === FAN_MARK_FLUSH) return (flags & ~(FAN_MARK_FLUSH | MARK_KINDS)) !== 0 ? EINVAL : 0;
  if ((command !== FAN_MARK_ADD && command !== FAN_MARK_REMOVE) || mask === 0) return EINVAL;
  if ((mask & ~(PATH_EVENTS | EVENT_FLAGS)) !== 0) return EINVAL;
  if ((flags & FAN_MARK_IGNORE) !== 0 && (flags & FAN_MARK_IGNORED_MASK) !== 0) return EINVAL;
  if ((flags & FAN_MARK_EVICTABLE) !== 0 && kind !== 0) return EINVAL;
  return 0;
};

/** fanotify_may_update_existing_mark() and what depends on the marked file: 0 or an errno. */
const checkMark = (group: FanotifyFile, place: Path, flags: number, mask: number): number => {
  const kind = flags & MARK_KINDS;
  const { inode } = place.dentry;
  const survives = (flags & FAN_MARK_IGNORED_SURV_MODIFY) !== 0;
  if ((flags & FAN_MARK_IGNORE) !== 0) {
    if (!inode.isDirectory && kind === 0 && (mask & EVENT_FLAGS) !== 0) return ENOTDIR;
    if (!survives && kind !== 0) return EINVAL;
    if (!survives && inode.isDirectory) return EISDIR;
  }
  if ((flags & FAN_MARK_ADD) === 0) return 0;
  const had = group.flagsOf(place, kind);
  if ((flags & FAN_MARK_IGNORED_MASK) !== 0 && (had & FAN_MARK_IGNORE) !== 0) return EEXIST;
  const ignores = (flags & (FAN_MARK_IGNORE | FAN_MARK_IGNORED_MASK)) !== 0;
  return ignores && (flags & FAN_MARK_IGNORE) !== 0 && !survives && (had & FAN_MARK_IGNORED_SURV_MODIFY) !== 0 ? EEXIST : 0;
};

/** fanotify_mark(2) */
export const sys_fanotify_mark = implement("fanotify_mark", note, (task, fd, flags, mask, dirfd, path) => {
  const refused = checkRequest(flags, mask);
  if (refused < 0) return refused;
  const group = task.file(fd);
  if (isErrno(group)) return EBADF;
  if (!(group instanceof FanotifyFile)) return EINVAL;
  const kind = flags & MARK_KINDS;
  if ((flags & FAN_MARK_FLUSH) !== 0) {
    group.flushMarks(kind);
    return 0;
  }
  const place = findPath(task, dirfd, path, flags);
  if (isErrno(place)) return place;
  const { inode } = place.dentry;
  const error = mayAccess(inode, task.creds, MAY_READ) || checkMark(group, place, flags, mask);
  if (error < 0) return error;
  const isLegacy = (flags & FAN_MARK_IGNORED_MASK) !== 0;
  // fanotify_add_inode_mark(): what is ignored until a change is not ignored while somebody may change the file.
  if (kind === 0 && isLegacy && (flags & FAN_MARK_ADD) !== 0 && (flags & FAN_MARK_IGNORED_SURV_MODIFY) === 0 && inode.writeCount > 0)
    return 0;
  const events = kind === 0 && !isLegacy ? mask : mask & ~FAN_EVENT_ON_CHILD;
  return group.mark(place, kind, flags, isLegacy ? events & ~EVENT_FLAGS : events);
});
