import { AT_FDCWD, AT_REMOVEDIR } from "../../../syscall-tables/flags/open.ts";
import { EINVAL } from "../../abi/errno.ts";
import { mkdir, mknod } from "../../vfs/names.ts";
import { rmdir, unlink } from "../../vfs/removal.ts";
import { implement } from "../implement.ts";

/** mkdir(2) */
export const sys_mkdir = implement("mkdir", { level: "full" }, (task, path, mode) => mkdir(task, AT_FDCWD, path, mode));

/** mkdirat(2) */
export const sys_mkdirat = implement("mkdirat", { level: "full" }, mkdir);

/** mknod(2) */
export const sys_mknod = implement("mknod", { level: "full" }, (task, path, mode, dev) => mknod(task, AT_FDCWD, path, mode, dev));

/** mknodat(2) */
export const sys_mknodat = implement("mknodat", { level: "full" }, mknod);

/** rmdir(2) */
export const sys_rmdir = implement("rmdir", { level: "full" }, (task, path) => rmdir(task, AT_FDCWD, path));

/** unlink(2) */
export const sys_unlink = implement("unlink", { level: "full" }, (task, path) => unlink(task, AT_FDCWD, path));

/** unlinkat(2) */
export const sys_unlinkat = implement("unlinkat", { level: "full" }, (task, dirfd, path, flags) => {
  if ((flags & ~AT_REMOVEDIR) !== 0) return EINVAL;
  return (flags & AT_REMOVEDIR) !== 0 ? rmdir(task, dirfd, path) : unlink(task, dirfd, path);
});
