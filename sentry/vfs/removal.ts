/** Removing and moving names: unlink, rmdir, rename (fs/namei.c). */
import {
  IN_ATTRIB,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_ISDIR,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from "../../syscall-tables/flags/open.ts";
import { EBUSY, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EROFS, EXDEV, isErrno } from "../abi/errno.ts";
import { makingAccess } from "../landlock/access.ts";
import { mayRefer, mayRemoveFrom, removingAccess } from "../landlock/files.ts";
import type { Task } from "../task/task.ts";
import { checkCreate, newGid } from "./creation.ts";
import { exchangeDentries, lookupDentry, moveDentry, removeDentry } from "./dentry-cache.ts";
import type { Inode } from "./inode.ts";
import { detachMounts, isBelow, isMountpointOf } from "./mount-tree.ts";
import { nextCookie, notify } from "./notify.ts";
import type { Dentry, Path } from "./path.ts";
import { MAY_WRITE, mayAccess, mayDelete } from "./permission.ts";
import { WALK_PARENT, Walker } from "./walk.ts";

/** fsnotify_link_count() */
const tellLinkCount = (inode: Inode): void => {
  if (inode.watches !== null && !inode.isDirectory) inode.watches.event(IN_ATTRIB, "", 0);
};

/** The last name of `inode` may be gone; an open file keeps it until its last close. */
const settle = (inode: Inode): void => {
  if ((inode.nlink > 0 && !inode.isDirectory) || inode.openCount > 0) return;
  if (inode.watches !== null) inode.watches.event(inode.isDirectory ? IN_DELETE_SELF | IN_ISDIR : IN_DELETE_SELF, "", 0);
  inode.forget();
};

export const unlink = (task: Task, dirfd: number, path: string): number => {
  const walker = new Walker();
  const failed = walker.walk(task, dirfd, path, WALK_PARENT, 0);
  if (failed < 0) return failed;
  if (walker.lastKind !== "name") return EISDIR;
  const { mount, dentry: parent, last: name } = walker;
  if (mount.isReadOnly) return EROFS;
  const child = lookupDentry(parent, name, task);
  if (isErrno(child)) return child;
  const { inode } = child;
  if (walker.hasSlash) return inode.isDirectory ? EISDIR : ENOTDIR;
  const error = mayRemoveFrom(task.creds, walker.path, false) || mayDelete(parent.inode, inode, task.creds);
  if (error < 0) return error;
  if (inode.isDirectory) return EISDIR;
  if (isMountpointOf(task.fs.namespace, child)) return EBUSY;
  const result = parent.inode.unlink(name, inode);
  if (result < 0) return result;
  removeDentry(child);
  detachMounts(child);
  tellLinkCount(inode);
  settle(inode);
  notify(null, parent.inode, IN_DELETE, name);
  return 0;
};

export const rmdir = (task: Task, dirfd: number, path: string): number => {
  const walker = new Walker();
  const failed = walker.walk(task, dirfd, path, WALK_PARENT, 0);
  if (failed < 0) return failed;
  if (walker.lastKind === "..") return ENOTEMPTY;
  if (walker.lastKind === ".") return EINVAL;
  if (walker.lastKind === "/") return EBUSY;
  const { mount, dentry: parent, last: name } = walker;
  if (mount.isReadOnly) return EROFS;
  const child = lookupDentry(parent, name, task);
  if (isErrno(child)) return child;
  const { inode } = child;
  const error = mayRemoveFrom(task.creds, walker.path, true) || mayDelete(parent.inode, inode, task.creds);
  if (error < 0) return error;
  if (!inode.isDirectory) return ENOTDIR;
  if (isMountpointOf(task.fs.namespace, child)) return EBUSY;
  const result = parent.inode.rmdir(name, inode);
  if (result < 0) return result;
  removeDentry(child);
  detachMounts(child);
  child.children = null;
  child.negatives = 0;
  settle(inode);
  notify(null, parent.inode, IN_DELETE | IN_ISDIR, name);
  return 0;
};

/** may_delete() for one side of a rename. */
const checkRemoval = (task: Task, dir: Inode, victim: Inode, isDirectory: boolean): number => {
  const error = mayDelete(dir, victim, task.creds);
  if (error < 0) return error;
  if (isDirectory && !victim.isDirectory) return ENOTDIR;
  if (!isDirectory && victim.isDirectory) return EISDIR;
  return 0;
};

interface RenameEnd {
  readonly place: Path;
  readonly name: string;
  readonly kind: string;
  readonly hasSlash: boolean;
}

const renameEnd = (task: Task, dirfd: number, path: string): RenameEnd | number => {
  const walker = new Walker();
  const error = walker.walk(task, dirfd, path, WALK_PARENT, 0);
  if (error < 0) return error;
  return { place: walker.path, name: walker.last, kind: walker.lastKind, hasSlash: walker.hasSlash };
};

export const rename = (task: Task, oldDirfd: number, oldPath: string, newDirfd: number, newPath: string, flags: number): number => {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) !== 0) return EINVAL;
  const isExchange = (flags & RENAME_EXCHANGE) !== 0;
  if (isExchange && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) !== 0) return EINVAL;
  const from = renameEnd(task, oldDirfd, oldPath);
  if (typeof from === "number") return from;
  const to = renameEnd(task, newDirfd, newPath);
  if (typeof to === "number") return to;
  if (from.place.mount !== to.place.mount) return EXDEV;
  if (from.kind !== "name") return EBUSY;
  if (to.kind !== "name") return (flags & RENAME_NOREPLACE) !== 0 ? EEXIST : EBUSY;
  if (from.place.mount.isReadOnly) return EROFS;
  const oldParent = from.place.dentry;
  const newParent = to.place.dentry;
  const source = lookupDentry(oldParent, from.name, task);
  if (isErrno(source)) return source;
  const found = lookupDentry(newParent, to.name, task);
  if (isErrno(found) && found !== ENOENT) return found;
  const target = isErrno(found) ? null : found;
  if ((flags & RENAME_NOREPLACE) !== 0 && target !== null) return EEXIST;
  if (isExchange) {
    if (target === null) return ENOENT;
    if (!target.inode.isDirectory && to.hasSlash) return ENOTDIR;
  }
  if (!source.inode.isDirectory && (from.hasSlash || (!isExchange && to.hasSlash))) return ENOTDIR;
  if (isBelow(newParent, source)) return EINVAL;
  if (target !== null && isBelow(oldParent, target)) return isExchange ? EINVAL : ENOTEMPTY;
  const kept = mayMove(task, from.place, to.place, source, target, isExchange);
  if (kept < 0) return kept;
  return move(task, to.place, oldParent, from.name, source, newParent, to.name, target, flags);
};

/** hook_path_rename() of Landlock */
const mayMove = ({ creds }: Task, from: Path, to: Path, source: Dentry, target: Dentry | null, isExchange: boolean): number => {
  const { landlock } = creds;
  if (landlock === null) return 0;
  const neededFrom = removingAccess(source) | (isExchange && target !== null ? makingAccess(target.inode.mode) : 0);
  const neededTo = removingAccess(target) | makingAccess(source.inode.mode);
  const ends = [
    { parent: from, needed: neededFrom },
    { parent: to, needed: neededTo },
  ] as const;
  return mayRefer(landlock, ends[0], ends[1], source, isExchange ? target : null);
};

/** vfs_rename(). */
const move = (
  task: Task,
  newPlace: Path,
  oldParent: Dentry,
  oldName: string,
  source: Dentry,
  newParent: Dentry,
  newName: string,
  target: Dentry | null,
  flags: number,
): number => {
  const isExchange = (flags & RENAME_EXCHANGE) !== 0;
  const { inode } = source;
  const victim = target === null ? null : target.inode;
  if (victim === inode) return 0;
  const isDirectory = inode.isDirectory;
  let error = checkRemoval(task, oldParent.inode, inode, isDirectory);
  if (error < 0) return error;
  if (victim === null) error = checkCreate(task, newPlace);
  else error = checkRemoval(task, newParent.inode, victim, isExchange ? victim.isDirectory : isDirectory);
  if (error < 0) return error;
  if (oldParent !== newParent) {
    if (isDirectory) error = mayAccess(inode, task.creds, MAY_WRITE);
    if (error >= 0 && isExchange && victim?.isDirectory) error = mayAccess(victim, task.creds, MAY_WRITE);
    if (error < 0) return error;
  }
  const { namespace } = task.fs;
  if (isMountpointOf(namespace, source) || (target !== null && isMountpointOf(namespace, target))) return EBUSY;
  const result = oldParent.inode.rename(oldName, inode, newParent.inode, newName, victim, flags);
  if (result < 0) return result;
  if (isExchange && target !== null) exchangeDentries(source, target);
  else {
    if (target !== null) {
      removeDentry(target);
      detachMounts(target);
    }
    moveDentry(source, newParent, newName);
    if ((flags & RENAME_WHITEOUT) !== 0) ownWhiteout(task, oldParent, oldName);
  }
  announce(oldParent.inode, oldName, newParent.inode, newName, inode, victim, isExchange);
  if (!isExchange && victim !== null) settle(victim);
  return 0;
};

/** fsnotify_move() */
/** The whiteout stands where the filesystem put it, and belongs to the caller. */
const ownWhiteout = (task: Task, parent: Dentry, name: string): void => {
  if (parent.children?.get(name) === null) {
    parent.children.delete(name);
    parent.negatives--;
  }
  const whiteout = lookupDentry(parent, name, task);
  if (isErrno(whiteout)) return;
  whiteout.inode.setAttributes({ uid: task.creds.fsuid, gid: newGid(task, parent.inode) }, task);
};

const announce = (
  oldDir: Inode,
  oldName: string,
  newDir: Inode,
  newName: string,
  moved: Inode,
  victim: Inode | null,
  isExchange: boolean,
): void => {
  const cookie = nextCookie();
  const bit = moved.isDirectory ? IN_ISDIR : 0;
  notify(null, oldDir, IN_MOVED_FROM | bit, oldName, cookie);
  notify(null, newDir, IN_MOVED_TO | bit, newName, cookie);
  if (victim !== null && !isExchange) tellLinkCount(victim);
  notify(moved, null, IN_MOVE_SELF, "");
  if (victim !== null && isExchange) announce(newDir, newName, oldDir, oldName, victim, null, false);
};
