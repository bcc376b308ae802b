/** Discretionary access: mode bits and the capabilities that go round them (path_resolution(7), fs/namei.c). */

import { S_IFDIR, S_IFMT, S_ISGID, S_ISVTX } from "../../syscall-tables/flags/open.ts";
import { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID } from "../../syscall-tables/flags/system.ts";
import { EACCES, EPERM, EROFS } from "../abi/errno.ts";
import type { Credentials } from "../task/credentials.ts";
import { INVALID_ID } from "../task/user-namespace.ts";
import { isAppendOnly, isFixed, isImmutable } from "./file-flags.ts";
import type { Inode } from "./inode.ts";
import type { Path } from "./path.ts";

export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

/** capable_wrt_inode_uidgid(): a capability of a user namespace counts for inodes whose owners the namespace maps. */
export const hasOver = (creds: Credentials, inode: Inode, capability: number): boolean => {
  const ns = creds.userNamespace;
  if (!creds.capEffective.has(capability)) return false;
  return ns.level === 0 || (ns.fromKuid(inode.uid) !== INVALID_ID && ns.fromKgid(inode.gid) !== INVALID_ID);
};

/** 0 or EACCES: may `creds` do `mask` (MAY_*) to `inode`? */
export const mayAccess = (inode: Inode, creds: Credentials, mask: number): number => {
  const mode = inode.mode;
  if (inode.fileFlags !== 0 && (mask & MAY_WRITE) !== 0 && isImmutable(inode)) return EPERM;
  let bits = mode;
  // All three classes agree: no need to ask who it is.
  if ((mode & mask) === mask && ((mode >> 3) & mask) === mask && ((mode >> 6) & mask) === mask) return 0;
  if (creds.fsuid === inode.uid) bits = mode >> 6;
  else if (creds.isInGroup(inode.gid)) bits = mode >> 3;
  if ((bits & mask) === mask) return 0;
  if ((mode & S_IFMT) === S_IFDIR) {
    if ((mask & MAY_WRITE) === 0 && hasOver(creds, inode, CAP_DAC_READ_SEARCH)) return 0;
    return hasOver(creds, inode, CAP_DAC_OVERRIDE) ? 0 : EACCES;
  }
  if (mask === MAY_READ && hasOver(creds, inode, CAP_DAC_READ_SEARCH)) return 0;
  // Execution needs an x bit somewhere, even for root.
  if (((mask & MAY_EXEC) === 0 || (mode & 0o111) !== 0) && hasOver(creds, inode, CAP_DAC_OVERRIDE)) return 0;
  return EACCES;
};

/** The same with EROFS for writing on a read-only mount (device nodes, FIFOs and sockets excepted). */
export const mayAccessPath = (path: Path, creds: Credentials, mask: number): number => {
  const inode = path.dentry.inode;
  if ((mask & MAY_WRITE) !== 0 && path.mount.isReadOnly && (inode.isRegular || inode.isDirectory || inode.isSymlink)) return EROFS;
  return mayAccess(inode, creds, mask);
};

/** inode_owner_or_capable(): the owner, or CAP_FOWNER. */
export const isOwner = (inode: Inode, creds: Credentials): boolean => creds.fsuid === inode.uid || hasOver(creds, inode, CAP_FOWNER);

/** May a name be added to directory `dir`? 0 or an errno (may_create). */
export const mayCreate = (dir: Path, creds: Credentials): number => {
  if (dir.mount.isReadOnly) return EROFS;
  return mayAccess(dir.dentry.inode, creds, MAY_WRITE | MAY_EXEC);
};

/** May the name of `victim` be removed from `dir`? 0, EACCES or EPERM: the sticky bit (may_delete). */
export const mayDelete = (dir: Inode, victim: Inode, creds: Credentials): number => {
  const error = mayAccess(dir, creds, MAY_WRITE | MAY_EXEC);
  if (error < 0) return error;
  if (isAppendOnly(dir) || isFixed(victim)) return EPERM;
  if ((dir.mode & S_ISVTX) === 0 || creds.fsuid === victim.uid || creds.fsuid === dir.uid || hasOver(creds, victim, CAP_FOWNER)) return 0;
  return EPERM;
};

/** The set-group-ID bit goes from `mode` when the caller is not in the file's group (setattr_prepare). */
export const withoutForeignSgid = (mode: number, inode: Inode, gid: number, creds: Credentials): number =>
  (mode & S_ISGID) !== 0 && !creds.isInGroup(gid) && !hasOver(creds, inode, CAP_FSETID) ? mode & ~S_ISGID : mode;
