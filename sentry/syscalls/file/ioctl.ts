import {
  FIBMAP,
  FICLONE,
  FICLONERANGE,
  FIDEDUPERANGE,
  FIFREEZE,
  FIGETBSZ,
  FIOASYNC,
  FIOCLEX,
  FIONBIO,
  FIONCLEX,
  FIONREAD,
  FIOQSIZE,
  FITHAW,
  FS_IOC_FIEMAP,
  FS_IOC_GETFLAGS,
  FS_IOC_GETFSSYSFSPATH,
  FS_IOC_GETFSUUID,
  FS_IOC_SETFLAGS,
} from "../../../syscall-tables/flags/ioctl.ts";
import { O_NONBLOCK, O_PATH } from "../../../syscall-tables/flags/open.ts";
import { CAP_SYS_RAWIO } from "../../../syscall-tables/flags/system.ts";
import { EACCES, EBADF, EFAULT, EINVAL, EISDIR, ENOTTY, EOPNOTSUPP, EPERM } from "../../abi/errno.ts";
import { FS_IOCTL_DEV } from "../../landlock/access.ts";
import { ioctlOrBlock } from "../../task/file-ops.ts";
import type { Task } from "../../task/task.ts";
import { setFileFlags } from "../../vfs/file-flags.ts";
import type { Path } from "../../vfs/path.ts";

import { implement } from "../implement.ts";
import { setAsync } from "./fcntl.ts";

/** What Landlock lets pass on devices, too: it is not the driver's (is_masked_device_ioctl). */
const ofAnyFile = new Set([
  FIOCLEX,
  FIONCLEX,
  FIONBIO,
  FIOASYNC,
  FIOQSIZE,
  FIFREEZE,
  FITHAW,
  FS_IOC_FIEMAP,
  FIGETBSZ,
  FICLONE,
  FICLONERANGE,
  FIDEDUPERANGE,
  FS_IOC_GETFSUUID,
  FS_IOC_GETFSSYSFSPATH,
]);

/** ioctl_iflags(2) */
const flagsIoctl = (task: Task, path: Path, command: number, argument: number): number => {
  if (command === FS_IOC_GETFLAGS) return task.memory.storeU32(argument, path.dentry.inode.fileFlags);
  const flags = task.memory.loadU32(argument);
  return flags < 0 ? EFAULT : setFileFlags(task, path, flags);
};

/** ioctl(2): what concerns any file here, the rest is the file's own (do_vfs_ioctl). */
export const sys_ioctl = implement("ioctl", { level: "full" }, (task, fd, command, argument) => {
  const file = task.files.get(fd);
  if (file === null || (file.flags & O_PATH) !== 0) return EBADF;
  if ((file.deniedLater & FS_IOCTL_DEV) !== 0 && !ofAnyFile.has(command)) return EACCES;
  const { memory } = task;
  switch (command) {
    case FIOCLEX:
      task.files.setCloexec(fd, true);
      return 0;
    case FIONCLEX:
      task.files.setCloexec(fd, false);
      return 0;
    case FIONBIO: {
      const isOn = memory.loadU32(argument);
      if (isOn < 0) return EFAULT;
      file.flags = isOn !== 0 ? file.flags | O_NONBLOCK : file.flags & ~O_NONBLOCK;
      return 0;
    }
    case FIOASYNC: {
      const isOn = memory.loadU32(argument);
      if (isOn < 0) return EFAULT;
      if (isOn !== 0 && file.waitQueue === null) return ENOTTY;
      setAsync(file, fd, isOn !== 0);
      return 0;
    }
    case FIOQSIZE: {
      const { inode } = file;
      if (!inode.isRegular && !inode.isDirectory && !inode.isSymlink) return ENOTTY;
      return memory.storeU64(argument, inode.blocks * 512);
    }
    case FIGETBSZ:
      return memory.storeU32(argument, file.inode.blockSize);
    case FS_IOC_FIEMAP:
      // No filesystem here tells where its data lies.
      return EOPNOTSUPP;
    case FIBMAP:
      if (!file.inode.isRegular) return ioctlOrBlock(task, file, command, argument);
      return task.creds.has(CAP_SYS_RAWIO) ? EINVAL : EPERM;
    case FICLONE:
    case FICLONERANGE:
      return file.inode.isDirectory ? EISDIR : EOPNOTSUPP;
    case FIONREAD:
      if (!file.isRegular) return file.ioctl(task, command, argument);
      return memory.storeU32(argument, Math.max(-1, file.inode.size - file.position));
    case FS_IOC_GETFLAGS:
    case FS_IOC_SETFLAGS:
      return file.inode.keepsFlags && file.path !== null ? flagsIoctl(task, file.path, command, argument) : ENOTTY;
    default:
      return ioctlOrBlock(task, file, command, argument);
  }
});
