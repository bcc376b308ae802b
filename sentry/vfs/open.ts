/** open(2) (fs/namei.c path_openat, fs/open.c). */

import { MS_NODEV } from "../../syscall-tables/flags/mount.ts";
import {
  IN_CREATE,
  IN_MODIFY,
  IN_OPEN,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_PATH,
  O_TMPFILE,
  O_TRUNC,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "../../syscall-tables/flags/open.ts";
import { EACCES, EAGAIN, EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, EPERM, EROFS, type Errno, ETXTBSY, isErrno } from "../abi/errno.ts";
import { FS_TRUNCATE } from "../landlock/access.ts";
import { checkOpen, mayMakeIn } from "../landlock/files.ts";
import type { Task } from "../task/task.ts";
import { clearedPrivileges } from "./attributes.ts";
import { checkCreate, newGid, newMode } from "./creation.ts";
import { addDentry, lookupDentry } from "./dentry-cache.ts";
import { inheritedFlags, isAppendOnly } from "./file-flags.ts";
import { Inode } from "./inode.ts";
import { breakLeases } from "./leases.ts";
import { mayFollow, mayReuse } from "./link-protection.ts";

import { notify, notifyDentry, notifyFile } from "./notify.ts";
import type { OpenFile } from "./open-file.ts";
import { Dentry, type Path } from "./path.ts";
import { PathFile } from "./path-file.ts";
import { isOwner, MAY_EXEC, MAY_READ, MAY_WRITE, mayAccess } from "./permission.ts";
import { isSpecial, openSpecial } from "./special.ts";
import { overmounted } from "./tree.ts";
import { WALK_DIRECTORY, WALK_FOLLOW, WALK_PARENT, Walker } from "./walk.ts";

/** The bit of O_TMPFILE without O_DIRECTORY. */
const TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY;
const ACCESS_MASKS = [MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE] as const;

export const accessMask = (flags: number): number => ACCESS_MASKS[flags & O_ACCMODE] | ((flags & O_TRUNC) !== 0 ? MAY_WRITE : 0);

/** Opens what is at `path`; `isNew`: this very call made it, so nothing is left to check. */
const openFound = (task: Task, path: Path, flags: number, isNew: boolean): OpenFile | Errno => {
  const { inode } = path.dentry;
  const type = inode.mode & S_IFMT;
  const { creds } = task;
  const mask = accessMask(flags);
  if (!isNew) {
    if (type === S_IFLNK) return ELOOP;
    if (type === S_IFDIR && (mask & MAY_WRITE) !== 0) return EISDIR;
    if ((type === S_IFCHR || type === S_IFBLK) && (path.mount.flags & MS_NODEV) !== 0) return EACCES;
    // Emptying asks the mount before the mode (do_open).
    if ((flags & O_TRUNC) !== 0 && type === S_IFREG && path.mount.isReadOnly) return EROFS;
    const error = mayAccess(inode, creds, mask);
    if (error < 0) return error as Errno;
    // An append-only file is opened to append, and not emptied (may_open).
    const mayShrink = (mask & MAY_WRITE) !== 0 && ((flags & O_APPEND) === 0 || (flags & O_TRUNC) !== 0);
    if (inode.fileFlags !== 0 && isAppendOnly(inode) && mayShrink) return EPERM;
    if ((flags & O_NOATIME) !== 0 && !isOwner(inode, creds)) return EPERM;
  }
  if ((mask & MAY_WRITE) !== 0 && !isSpecial(inode.mode) && path.mount.isReadOnly) return EROFS;
  if ((mask & MAY_WRITE) !== 0 && inode.execCount > 0) return ETXTBSY;
  const denied = creds.landlock === null ? 0 : checkOpen(creds.landlock, path, flags);
  if (denied < 0) return EACCES;
  if (inode.leases !== null && breakLeases(inode, flags, task) < 0) return EAGAIN;
  const file = isSpecial(inode.mode) ? openSpecial(inode, path, flags, task) : inode.open(path, flags, task);
  if (isErrno(file)) return file;
  file.deniedLater = denied;
  notifyFile(file, IN_OPEN, task);
  if ((flags & O_TRUNC) !== 0 && !isNew && type === S_IFREG) {
    const error =
      (denied & FS_TRUNCATE) !== 0 ? EACCES : inode.setAttributes({ size: 0, mtime: "now", ...clearedPrivileges(inode, creds) }, task);
    if (error < 0) {
      file.put();
      return error as Errno;
    }
    notifyDentry(path.dentry, IN_MODIFY);
  }
  return file;
};

/** Opens what a walk found, with all checks. */
export const openPath = (task: Task, path: Path, flags: number): OpenFile | Errno => {
  if ((flags & O_PATH) !== 0) return new PathFile(path, flags);
  return openFound(task, path, flags, false);
};

/** O_TMPFILE (do_tmpfile). */
const openUnnamed = (task: Task, dir: Path, flags: number, mode: number): OpenFile | Errno => {
  if (dir.mount.isReadOnly) return EROFS;
  const error = mayAccess(dir.dentry.inode, task.creds, MAY_WRITE | MAY_EXEC);
  if (error < 0) return error as Errno;
  const parent = dir.dentry.inode;
  const inode = parent.createUnnamed(newMode(task, parent, S_IFREG | (mode & 0o7777)), task.creds.fsuid, newGid(task, parent));
  if (isErrno(inode)) return inode;
  inode.isLinkable = (flags & O_EXCL) === 0;
  const dentry = new Dentry(`#${inode.ino}`, dir.dentry, inode);
  dentry.isUnlinked = true;
  return openFound(task, { mount: dir.mount, dentry }, flags, true);
};

/** The last component of an O_CREAT open: finds it, follows it, or makes it. */
const openOrCreate = (task: Task, walker: Walker, flags: number, mode: number, resolve: number, scope: Path | null): OpenFile | Errno => {
  const follows = (flags & (O_NOFOLLOW | O_EXCL)) === 0;
  for (;;) {
    const parent = walker.path;
    if (walker.lastKind !== "name") return (flags & O_EXCL) !== 0 ? EEXIST : EISDIR;
    if (walker.hasSlash) return EISDIR;
    const name = walker.last;
    const found = lookupDentry(parent.dentry, name, task);
    if (isErrno(found)) {
      if (found !== ENOENT || parent.dentry.inode.fs.refusesNewNames) return found;
      const error = mayMakeIn(task.creds, parent, S_IFREG) || checkCreate(task, parent);
      if (error < 0) return error as Errno;
      const dir = parent.dentry.inode;
      const fullMode = newMode(task, dir, S_IFREG | (mode & 0o7777));
      const inode = dir.create(name, fullMode, task.creds.fsuid, newGid(task, dir), 0);
      // lookup_open(): a directory that cannot make files at all.
      if (isErrno(inode)) return dir.create === Inode.prototype.create ? EACCES : inode;
      if (inode.keepsFlags) inode.fileFlags = inheritedFlags(dir);
      const dentry = addDentry(parent.dentry, name, inode);
      notify(null, dir, IN_CREATE, name);
      return openFound(task, { mount: parent.mount, dentry }, flags, true);
    }
    if ((flags & O_EXCL) !== 0) return EEXIST;
    const place = overmounted(parent.mount, found);
    if (!place.dentry.inode.isSymlink || !follows) {
      if (place.dentry.inode.isDirectory) return EISDIR;
      const refused = mayReuse(place.dentry.inode, parent.dentry.inode, task.creds);
      return refused < 0 ? (refused as Errno) : openFound(task, place, flags, false);
    }
    const refused = mayFollow(place.dentry.inode, parent.dentry.inode, task.creds);
    if (refused < 0) return refused as Errno;
    const target = walker.followLast(task, place.mount, place.dentry, resolve);
    if (typeof target === "number") return target as Errno;
    if (typeof target !== "string") return target.dentry.inode.isDirectory ? EISDIR : openFound(task, target, flags, false);
    const error = walker.resume(task, parent, target, WALK_PARENT, resolve, scope);
    if (error < 0) return error as Errno;
  }
};

const RESOLVE_SCOPED = 0x18;

/** The place that RESOLVE_BENEATH and RESOLVE_IN_ROOT do not leave. */
const scopeOf = (task: Task, dirfd: number, resolve: number): Path | null =>
  (resolve & RESOLVE_SCOPED) === 0 ? null : (task.files.get(dirfd)?.path ?? task.fs.cwd);

export const openAt = (task: Task, dirfd: number, path: string, flags: number, mode: number, resolve: number): OpenFile | Errno => {
  const walker = new Walker();
  if ((flags & O_PATH) !== 0) {
    const kept = flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const error = walker.walk(task, dirfd, path, walkFlags(kept), resolve);
    return error < 0 ? (error as Errno) : new PathFile(walker.path, kept);
  }
  if ((flags & TMPFILE_BIT) !== 0) {
    if ((flags & O_TMPFILE) !== O_TMPFILE || (flags & O_CREAT) !== 0 || (accessMask(flags & ~O_TRUNC) & MAY_WRITE) === 0) return EINVAL;
    const error = walker.walk(task, dirfd, path, walkFlags(flags), resolve);
    return error < 0 ? (error as Errno) : openUnnamed(task, walker.path, flags, mode);
  }
  if ((flags & O_CREAT) === 0) {
    const error = walker.walk(task, dirfd, path, walkFlags(flags), resolve);
    return error < 0 ? (error as Errno) : openFound(task, walker.path, flags, false);
  }
  if ((flags & O_DIRECTORY) !== 0) return EINVAL;
  const error = walker.walk(task, dirfd, path, WALK_PARENT, resolve);
  if (error < 0) return error as Errno;
  return openOrCreate(task, walker, flags, mode, resolve, scopeOf(task, dirfd, resolve));
};

const walkFlags = (flags: number): number =>
  ((flags & O_NOFOLLOW) === 0 ? WALK_FOLLOW : 0) | ((flags & O_DIRECTORY) !== 0 ? WALK_DIRECTORY : 0);
