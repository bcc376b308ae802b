import {
  AT_FDCWD,
  IN_ALL_EVENTS,
  IN_CLOEXEC,
  IN_DONT_FOLLOW,
  IN_EXCL_UNLINK,
  IN_IGNORED,
  IN_ISDIR,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_NONBLOCK,
  IN_ONESHOT,
  IN_ONLYDIR,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
} from "../../../syscall-tables/flags/open.ts";
import { EBADF, EEXIST, EINVAL, isErrno } from "../../abi/errno.ts";
import { InotifyFile } from "../../fs/inotify/inotify.ts";
import type { Task } from "../../task/task.ts";
import { MAY_READ, mayAccess } from "../../vfs/permission.ts";
import { WALK_DIRECTORY, WALK_FOLLOW } from "../../vfs/vfs.ts";
import { implement } from "../implement.ts";

const ALL_INOTIFY_BITS =
  IN_ALL_EVENTS |
  IN_UNMOUNT |
  IN_Q_OVERFLOW |
  IN_IGNORED |
  IN_ONLYDIR |
  IN_DONT_FOLLOW |
  IN_EXCL_UNLINK |
  IN_MASK_ADD |
  IN_MASK_CREATE |
  IN_ISDIR |
  IN_ONESHOT;

const createInotify = (task: Task, flags: number): number => {
  if ((flags & ~(IN_NONBLOCK | IN_CLOEXEC)) !== 0) return EINVAL;
  const error = task.files.canInstall();
  if (error < 0) return error;
  return task.files.install(new InotifyFile(task.kernel, flags & IN_NONBLOCK), (flags & IN_CLOEXEC) !== 0);
};

/** inotify_init(2) */
export const sys_inotify_init = implement("inotify_init", { level: "full" }, (task) => createInotify(task, 0));
export const sys_inotify_init1 = implement("inotify_init1", { level: "full" }, createInotify);

/** inotify_add_watch(2) */
export const sys_inotify_add_watch = implement("inotify_add_watch", { level: "full" }, (task, fd, path, mask) => {
  if ((mask & ~ALL_INOTIFY_BITS) !== 0 || (mask & ALL_INOTIFY_BITS) === 0) return EINVAL;
  const file = task.file(fd);
  if (isErrno(file)) return EBADF;
  if ((mask & IN_MASK_ADD) !== 0 && (mask & IN_MASK_CREATE) !== 0) return EINVAL;
  if (!(file instanceof InotifyFile)) return EINVAL;
  const flags = ((mask & IN_DONT_FOLLOW) === 0 ? WALK_FOLLOW : 0) | ((mask & IN_ONLYDIR) === 0 ? 0 : WALK_DIRECTORY);
  const found = task.kernel.vfs.walk(task, AT_FDCWD, path, flags);
  if (isErrno(found)) return found;
  const error = mayAccess(found.dentry.inode, task.creds, MAY_READ);
  if (error < 0) return error;
  const watch = file.find(found.dentry);
  if (watch === null) return file.add(found.dentry, mask);
  return (mask & IN_MASK_CREATE) !== 0 ? EEXIST : file.change(watch, mask, (mask & IN_MASK_ADD) !== 0);
});

/** inotify_rm_watch(2) */
export const sys_inotify_rm_watch = implement("inotify_rm_watch", { level: "full" }, (task, fd, wd) => {
  const file = task.file(fd);
  if (isErrno(file)) return EBADF;
  return file instanceof InotifyFile ? file.removeByDescriptor(wd) : EINVAL;
});
