import { AT_FDCWD } from "../../../syscall-tables/flags/open.ts";
import { CAP_SYS_CHROOT } from "../../../syscall-tables/flags/system.ts";
import { PATH_MAX } from "../../../syscall-tables/limits.ts";

import { EBADF, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, ERANGE, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Path } from "../../vfs/path.ts";
import { MAY_EXEC, mayAccess } from "../../vfs/permission.ts";
import { cwdName } from "../../vfs/tree.ts";
import { WALK_DIRECTORY, WALK_FOLLOW } from "../../vfs/vfs.ts";
import { implement } from "../implement.ts";

/** A directory that the caller may search. */
const searchable = (task: Task, path: string): Path | number => {
  const place = task.kernel.vfs.walk(task, AT_FDCWD, path, WALK_FOLLOW | WALK_DIRECTORY);
  if (isErrno(place)) return place;
  const error = mayAccess(place.dentry.inode, task.creds, MAY_EXEC);
  return error < 0 ? error : place;
};

/** chdir(2) */
export const sys_chdir = implement("chdir", { level: "full" }, (task, path) => {
  const place = searchable(task, path);
  if (typeof place === "number") return place;
  task.fs.cwd = place;
  return 0;
});

/** fchdir(2), for O_PATH descriptors too. */
export const sys_fchdir = implement("fchdir", { level: "full" }, (task, fd) => {
  const file = task.files.get(fd);
  if (file === null) return EBADF;
  if (file.path === null || !file.inode.isDirectory) return ENOTDIR;
  const error = mayAccess(file.inode, task.creds, MAY_EXEC);
  if (error < 0) return error;
  task.fs.cwd = file.path;
  return 0;
});

/** chroot(2): the working directory stays where it is. */
export const sys_chroot = implement("chroot", { level: "full" }, (task, path) => {
  const place = searchable(task, path);
  if (typeof place === "number") return place;
  if (!task.creds.hasIn(task.creds.userNamespace, CAP_SYS_CHROOT)) return EPERM;
  task.fs.root = place;
  return 0;
});

/** getcwd(2): the length with the NUL. */
export const sys_getcwd = implement("getcwd", { level: "full" }, (task, bufAddr, size) => {
  const { cwd, root } = task.fs;
  if (cwd.dentry.isUnlinked) return ENOENT;
  const name = cwdName(cwd, root);
  const bytes = Buffer.from(`${name}\0`, "latin1");
  if (bytes.length > PATH_MAX) return ENAMETOOLONG;
  if (bytes.length > size) return ERANGE;
  const error = task.memory.copyOut(bufAddr, bytes);
  return error < 0 ? error : bytes.length;
});

/** umask(2) */
export const sys_umask = implement("umask", { level: "full" }, (task, mask) => {
  const before = task.fs.umask;
  task.fs.umask = mask & 0o777;
  return before;
});
