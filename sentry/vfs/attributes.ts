/** Changing attributes: who may, and what else changes with them (fs/attr.c). */

import { IN_ATTRIB, IN_MODIFY, O_WRONLY, S_IFDIR, S_IFMT, S_IFREG, S_ISGID, S_ISUID } from "../../syscall-tables/flags/open.ts";
import { RLIMIT_FSIZE } from "../../syscall-tables/flags/process.ts";
import { SIGXFSZ } from "../../syscall-tables/flags/signal.ts";
import { CAP_CHOWN, CAP_FSETID } from "../../syscall-tables/flags/system.ts";

import { EACCES, EAGAIN, EFBIG, EINVAL, EISDIR, EPERM, EROFS, ETXTBSY } from "../abi/errno.ts";
import { mayTruncate } from "../landlock/files.ts";
import type { Credentials } from "../task/credentials.ts";
import { kernelSignal, sendSignalToTask } from "../task/signals.ts";
import type { Task } from "../task/task.ts";
import { INVALID_ID } from "../task/user-namespace.ts";
import { isAppendOnly, isFixed, isImmutable } from "./file-flags.ts";
import type { AttributeChange, Inode } from "./inode.ts";
import { breakLeases } from "./leases.ts";
import { notifyDentry } from "./notify.ts";

import type { Path } from "./path.ts";
import { hasOver, isOwner, MAY_WRITE, mayAccess, withoutForeignSgid } from "./permission.ts";

/** The largest file: MAX_LFS_FILESIZE is beyond what a double counts exactly, so one page below 2^53. */
export const MAX_FILE_SIZE = 2 ** 53 - 4096;

const change = (path: Path, what: AttributeChange, task: Task): number => {
  const error = path.dentry.inode.setAttributes(what, task);
  if (error >= 0) notifyDentry(path.dentry, IN_ATTRIB);
  return error;
};

export const chmod = (task: Task, path: Path, mode: number): number => {
  const { inode } = path.dentry;
  if (path.mount.isReadOnly) return EROFS;
  if (isFixed(inode) || !isOwner(inode, task.creds)) return EPERM;
  const wanted = (inode.mode & S_IFMT) | (mode & 0o7777);
  return change(path, { mode: withoutForeignSgid(wanted, inode, inode.gid, task.creds) }, task);
};

/** The mode without what ownership changes and writes take away; set-group-ID without x means mandatory locking once, and stays for members. */
const killedMode = (inode: Inode, creds: Credentials): number => {
  let { mode } = inode;
  if ((mode & S_ISUID) !== 0) mode &= ~S_ISUID;
  if ((mode & S_ISGID) !== 0 && ((mode & 0o010) !== 0 || (!creds.isInGroup(inode.gid) && !hasOver(creds, inode, CAP_FSETID))))
    mode &= ~S_ISGID;
  return mode;
};

/** file_remove_privs(): the mode change that a write or truncation by `creds` brings; {} if none. */
export const clearedPrivileges = (inode: Inode, creds: Credentials): AttributeChange => {
  if ((inode.mode & (S_ISUID | S_ISGID)) === 0 || (inode.mode & S_IFMT) !== S_IFREG || hasOver(creds, inode, CAP_FSETID)) return {};
  const mode = killedMode(inode, creds);
  return mode === inode.mode ? {} : { mode };
};

/** Call before writing to `inode`. */
export const dropPrivileges = (inode: Inode, task: Task): void => {
  if ((inode.mode & (S_ISUID | S_ISGID)) === 0) return;
  const cleared = clearedPrivileges(inode, task.creds);
  if (cleared.mode !== undefined) inode.setAttributes(cleared, task);
};

/** chown(2): ids as the caller's user namespace counts them; 0xffffffff leaves one as it is. */
export const chown = (task: Task, path: Path, uid: number, gid: number): number => {
  const { inode } = path.dentry;
  const { creds } = task;
  const ns = creds.userNamespace;
  if (path.mount.isReadOnly) return EROFS;
  if (isFixed(inode)) return EPERM;
  const what: AttributeChange = {};
  if (uid !== INVALID_ID) {
    what.uid = ns.toKuid(uid);
    if (what.uid === INVALID_ID) return EINVAL;
  }
  if (gid !== INVALID_ID) {
    what.gid = ns.toKgid(gid);
    if (what.gid === INVALID_ID) return EINVAL;
  }
  const mayChown = hasOver(creds, inode, CAP_CHOWN);
  if (what.uid !== undefined && !mayChown && !(creds.fsuid === inode.uid && what.uid === inode.uid)) return EPERM;
  if (what.gid !== undefined && !mayChown && !(creds.fsuid === inode.uid && (what.gid === inode.gid || creds.isInGroup(what.gid))))
    return EPERM;
  if ((inode.mode & S_IFMT) !== S_IFDIR) {
    const mode = killedMode(inode, creds);
    if (mode !== inode.mode) {
      if (!isOwner(inode, creds)) return EPERM;
      what.mode = mode;
    }
  }
  return change(path, what, task);
};

/** utimensat(2): `atime` and `mtime` absent, "now" or given. Both "now" needs write permission only. */
export const setTimes = (task: Task, path: Path, what: AttributeChange): number => {
  const { inode } = path.dentry;
  if (path.mount.isReadOnly) return EROFS;
  if (what.atime === undefined && what.mtime === undefined) return 0;
  const isTouch = what.atime === "now" && what.mtime === "now";
  if (isTouch ? isImmutable(inode) : isFixed(inode)) return EPERM;
  if (!isOwner(inode, task.creds)) {
    if (what.atime !== "now" || what.mtime !== "now") return EPERM;
    if (mayAccess(inode, task.creds, MAY_WRITE) < 0) return EACCES;
  }
  return change(path, what, task);
};

/** inode_newsize_ok(): EFBIG and SIGXFSZ over RLIMIT_FSIZE. */
export const checkSize = (task: Task, inode: Inode, length: number): number => {
  if (length > MAX_FILE_SIZE) return EFBIG;
  if (length > inode.size && length > task.process.limits.get(RLIMIT_FSIZE).soft) {
    sendSignalToTask(task, kernelSignal(SIGXFSZ));
    return EFBIG;
  }
  return 0;
};

/** truncate(2) of a path. */
export const truncatePath = (task: Task, path: Path, length: number): number => {
  const { inode } = path.dentry;
  const type = inode.mode & S_IFMT;
  if (type === S_IFDIR) return EISDIR;
  if (type !== S_IFREG || length < 0) return EINVAL;
  const error = mayAccess(inode, task.creds, MAY_WRITE);
  if (error < 0) return error;
  if (path.mount.isReadOnly) return EROFS;
  if (isAppendOnly(inode)) return EPERM;
  if (inode.execCount > 0) return ETXTBSY;
  if (inode.leases !== null && breakLeases(inode, O_WRONLY, task) < 0) return EAGAIN;
  const kept = mayTruncate(task.creds, path);
  return kept < 0 ? kept : truncateInode(task, path, length);
};

/** The size changes; the caller may write. */
export const truncateInode = (task: Task, path: Path, length: number): number => {
  const { inode } = path.dentry;
  const tooLarge = checkSize(task, inode, length);
  if (tooLarge < 0) return tooLarge;
  const error = inode.setAttributes({ size: length, mtime: "now", ...clearedPrivileges(inode, task.creds) }, task);
  if (error >= 0) notifyDentry(path.dentry, IN_MODIFY);
  return error;
};
