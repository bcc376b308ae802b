/** Extended attributes: who may, in which name space (xattr(7), fs/xattr.c). */

import { IN_ATTRIB, S_ISVTX } from "../../syscall-tables/flags/open.ts";
import { CAP_SETFCAP, CAP_SYS_ADMIN } from "../../syscall-tables/flags/system.ts";

import { EINVAL, ENODATA, EOPNOTSUPP, EPERM, EROFS, type Errno, isErrno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";

import { isFixed } from "./file-flags.ts";
import { notifyDentry } from "./notify.ts";
import type { Path } from "./path.ts";
import { hasOver, isOwner, MAY_READ, MAY_WRITE, mayAccess } from "./permission.ts";

/** xattr_resolve_name(): a prefix alone is no name. */
const isBare = (name: string): boolean => name === "user." || name === "trusted." || name === "security.";

const SECURITY_CAPABILITY = "security.capability";

/** xattr_permission() and what the capability module adds for security.*. */
const check = (task: Task, path: Path, name: string, isWrite: boolean): number => {
  const { inode } = path.dentry;
  const { creds } = task;
  const refusal = isWrite ? EPERM : ENODATA;
  if (isWrite && path.mount.isReadOnly) return EROFS;
  if (isWrite && isFixed(inode)) return EPERM;
  if (name.startsWith("security.")) {
    if (!isWrite) return 0;
    if (name === SECURITY_CAPABILITY) return hasOver(creds, inode, CAP_SETFCAP) ? 0 : EPERM;
    return creds.has(CAP_SYS_ADMIN) ? 0 : EPERM;
  }
  if (name.startsWith("system.")) return 0;
  if (name.startsWith("trusted.")) return creds.has(CAP_SYS_ADMIN) ? 0 : refusal;
  if (!name.startsWith("user.")) {
    const error = mayAccess(inode, creds, isWrite ? MAY_WRITE : MAY_READ);
    return error < 0 ? error : EOPNOTSUPP;
  }
  if (!inode.isRegular && !inode.isDirectory) return refusal;
  if (isWrite && inode.isDirectory && (inode.mode & S_ISVTX) !== 0 && !isOwner(inode, creds)) return EPERM;
  return mayAccess(inode, creds, isWrite ? MAY_WRITE : MAY_READ);
};

export const setXattr = (task: Task, path: Path, name: string, value: Uint8Array, flags: number): number => {
  const error = check(task, path, name, true);
  if (error < 0) return error;
  if (isBare(name)) return EINVAL;
  const result = path.dentry.inode.setXattr(name, value, flags);
  if (result >= 0) notifyDentry(path.dentry, IN_ATTRIB);
  return result;
};

export const getXattr = (task: Task, path: Path, name: string): Uint8Array | Errno => {
  const error = check(task, path, name, false);
  if (error < 0) return error as Errno;
  if (name.startsWith("system.")) return EOPNOTSUPP;
  if (isBare(name)) return EINVAL;
  return path.dentry.inode.getXattr(name);
};

export const removeXattr = (task: Task, path: Path, name: string): number => {
  const error = check(task, path, name, true);
  if (error < 0) return error;
  if (isBare(name)) return EINVAL;
  const result = path.dentry.inode.removeXattr(name);
  if (result >= 0) notifyDentry(path.dentry, IN_ATTRIB);
  return result;
};

/** The names, each with its NUL; trusted.* only for those who may read them. */
export const listXattr = (task: Task, path: Path): Uint8Array | Errno => {
  const names = path.dentry.inode.listXattr();
  if (isErrno(names)) return names;
  const isTrusted = task.creds.has(CAP_SYS_ADMIN);
  const shown = names.filter((name) => isTrusted || !name.startsWith("trusted."));
  return Buffer.from(shown.map((name) => `${name}\0`).join(""), "latin1");
};
