/** The file that the *at calls name: a path, or with AT_EMPTY_PATH the fd itself. */
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } from "../../../syscall-tables/flags/open.ts";
import { EBADF, EFAULT, type Errno, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Path } from "../../vfs/path.ts";
import { WALK_EMPTY, WALK_FOLLOW } from "../../vfs/vfs.ts";
import { anonymousPath } from "../../vfs/walk.ts";

/** `flags`: AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH; a null path counts as empty with AT_EMPTY_PATH (vfs_empty_path, Linux 6.11). */
export const atPath = (task: Task, dirfd: number, path: string | null, flags: number): Path | Errno => {
  if (path === null && (flags & AT_EMPTY_PATH) === 0) return EFAULT;
  const walkFlags = ((flags & AT_SYMLINK_NOFOLLOW) === 0 ? WALK_FOLLOW : 0) | ((flags & AT_EMPTY_PATH) !== 0 ? WALK_EMPTY : 0);
  return task.kernel.vfs.walk(task, dirfd, path ?? "", walkFlags);
};

/** The place of an open file (not O_PATH): calls such as fchmod work on pipes too. */
export const fdPath = (task: Task, fd: number): Path | Errno => {
  const file = task.file(fd);
  return isErrno(file) ? file : (file.path ?? anonymousPath(file));
};

/** The same for descriptors of any kind, O_PATH ones too. */
export const descriptorPath = (task: Task, fd: number): Path | Errno => {
  const file = task.files.get(fd);
  return file === null ? EBADF : (file.path ?? anonymousPath(file));
};
