import { AT_FDCWD } from "../../../syscall-tables/flags/open.ts";
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EBADF, EFAULT, EINVAL, EISDIR, ENODEV, ENOSYS, ENOTBLK, EPERM, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { WALK_FOLLOW } from "../../vfs/walk.ts";
import { implement } from "../implement.ts";

const MAX_TYPE = 4096;
const SWAP_FLAGS_VALID = 0x7ffff;

/** sysfs(2): the filesystem types by number, as /proc/filesystems lists them. */
export const sys_sysfs = implement("sysfs", { level: "full" }, (task, option, first, second) => {
  const types = task.kernel.vfs.filesystems().map(({ type }) => type);
  switch (option) {
    case 1: {
      const name = task.memory.readCString(first, MAX_TYPE);
      if (isErrno(name)) return name;
      const index = types.indexOf(name);
      return index < 0 ? EINVAL : index;
    }
    case 2:
      if (first >= types.length) return EINVAL;
      return task.memory.copyOut(second, Buffer.from(`${types[first]}\0`, "latin1")) < 0 ? EFAULT : 0;
    case 3:
      return types.length;
    default:
      return EINVAL;
  }
});

/** swapon(2), swapoff(2): there is no device to swap to, and no file that swap was made on. */
const swapFile = (task: Task, path: string): number => {
  const place = task.kernel.vfs.walk(task, AT_FDCWD, path, WALK_FOLLOW);
  return isErrno(place) ? place : place.dentry.inode.isDirectory ? EISDIR : EINVAL;
};

export const sys_swapon = implement("swapon", { level: "full" }, (task, path, flags) => {
  if ((flags & ~SWAP_FLAGS_VALID) !== 0) return EINVAL;
  return task.creds.has(CAP_SYS_ADMIN) ? swapFile(task, path) : EPERM;
});
export const sys_swapoff = implement("swapoff", { level: "full" }, (task, path) =>
  task.creds.has(CAP_SYS_ADMIN) ? swapFile(task, path) : EPERM,
);

/** MAXQUOTAS */
const QUOTA_TYPES = 3;
const Q_SYNC = 0x800001;

/** quotactl(2): no filesystem here keeps quotas, and none lies on a block device. */
export const sys_quotactl = implement("quotactl", { level: "full" }, (task, command, special) => {
  if ((command & 0xff) >= QUOTA_TYPES) return EINVAL;
  if (special !== null) {
    const place = task.kernel.vfs.walk(task, AT_FDCWD, special, WALK_FOLLOW);
    return isErrno(place) ? place : ENOTBLK;
  }
  return command >>> 8 === Q_SYNC ? 0 : ENODEV;
});

/** quotactl_fd(2) */
export const sys_quotactl_fd = implement("quotactl_fd", { level: "full" }, (task, fd, command) => {
  if (task.files.get(fd) === null) return EBADF;
  return (command & 0xff) >= QUOTA_TYPES ? EINVAL : ENOSYS;
});
