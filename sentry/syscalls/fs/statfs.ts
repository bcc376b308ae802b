import {
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
} from "../../../syscall-tables/flags/mount.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EBADF, EFAULT, EINVAL, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Filesystem } from "../../vfs/filesystem.ts";
import type { Mount } from "../../vfs/mount.ts";
import { implement } from "../implement.ts";

const STATFS_SIZE = 120;
const USTAT_SIZE = 32;

/** f_flags (include/linux/statfs.h): ST_VALID and what the mount forbids. */
const ST_VALID = 0x20;
const FLAGS: readonly (readonly [number, number])[] = [
  [MS_RDONLY, 1],
  [MS_NOSUID, 2],
  [MS_NODEV, 4],
  [MS_NOEXEC, 8],
  [MS_NOATIME, 0x400],
  [MS_NODIRATIME, 0x800],
  [MS_RELATIME, 0x1000],
  [MS_NOSYMFOLLOW, 0x2000],
];

const shownFlags = (fs: Filesystem, mount: Mount | null): number => {
  let shown = ST_VALID | (fs.isReadOnly ? 1 : 0);
  if (mount !== null) for (const [flag, bit] of FLAGS) if ((mount.flags & flag) !== 0) shown |= bit;
  return shown;
};

const put64 = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
};

const writeStatfs = (task: Task, fs: Filesystem, mount: Mount | null, addr: number): number => {
  const figures = fs.statfs();
  const view = new DataView(new ArrayBuffer(STATFS_SIZE));
  put64(view, 0, figures.type);
  put64(view, 8, figures.blockSize);
  put64(view, 16, figures.blocks);
  put64(view, 24, figures.blocksFree);
  put64(view, 32, figures.blocksAvailable);
  put64(view, 40, figures.files);
  put64(view, 48, figures.filesFree);
  view.setUint32(56, fs.device, true);
  put64(view, 64, figures.nameMax);
  put64(view, 72, figures.blockSize);
  put64(view, 80, shownFlags(fs, mount));
  return task.memory.copyOut(addr, new Uint8Array(view.buffer));
};

/** statfs(2) */
export const sys_statfs = implement("statfs", { level: "full" }, (task, path, addr) => {
  const place = task.kernel.vfs.follow(task, path);
  return isErrno(place) ? place : writeStatfs(task, place.dentry.inode.fs, place.mount, addr);
});

/** fstatfs(2), for O_PATH descriptors too. */
export const sys_fstatfs = implement("fstatfs", { level: "full" }, (task, fd, addr) => {
  const file = task.files.get(fd);
  return file === null ? EBADF : writeStatfs(task, file.inode.fs, file.path?.mount ?? null, addr);
});

/** ustat(2) */
export const sys_ustat = implement("ustat", { level: "full" }, (task, device, addr) => {
  for (const { fs } of task.fs.namespace.mounts) {
    if (fs.device !== device) continue;
    const figures = fs.statfs();
    const view = new DataView(new ArrayBuffer(USTAT_SIZE));
    view.setUint32(0, figures.blocksFree, true);
    put64(view, 8, figures.filesFree);
    return task.memory.copyOut(addr, new Uint8Array(view.buffer)) < 0 ? EFAULT : 0;
  }
  return EINVAL;
});
