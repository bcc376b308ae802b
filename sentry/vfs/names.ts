/** Making names: mkdir, mknod, symlink, link (fs/namei.c). */

import {
  IN_ATTRIB,
  IN_CREATE,
  IN_ISDIR,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from "../../syscall-tables/flags/open.ts";
import { CAP_MKNOD } from "../../syscall-tables/flags/system.ts";

import { EEXIST, EINVAL, ENOENT, EPERM, EROFS, type Errno, EXDEV, isErrno } from "../abi/errno.ts";
import { makingAccess } from "../landlock/access.ts";
import { mayLinkSymbolicallyIn, mayMakeIn, mayRefer } from "../landlock/files.ts";
import type { Task } from "../task/task.ts";
import { checkCreate, newGid, newMode } from "./creation.ts";
import { addDentry, lookupDentry } from "./dentry-cache.ts";
import { mayUseDevice } from "./device-rules.ts";
import { inheritedFlags, isFixed } from "./file-flags.ts";
import type { Inode } from "./inode.ts";
import { mayLink } from "./link-protection.ts";
import { notify } from "./notify.ts";
import type { Path } from "./path.ts";
import { WALK_PARENT, Walker } from "./walk.ts";

/** filename_create(): the directory and the free name in it. `isDirectory`: "name/" will do. */
const freeName = (task: Task, dirfd: number, path: string, isDirectory: boolean): { parent: Path; name: string } | Errno => {
  const walker = new Walker();
  const error = walker.walk(task, dirfd, path, WALK_PARENT, 0);
  if (error < 0) return error as Errno;
  if (walker.lastKind !== "name") return EEXIST;
  const parent = walker.path;
  const found = lookupDentry(parent.dentry, walker.last, task);
  if (!isErrno(found)) return EEXIST;
  if (found !== ENOENT) return found;
  if ((walker.hasSlash && !isDirectory) || parent.dentry.inode.fs.refusesNewNames) return ENOENT;
  return { parent, name: walker.last };
};

const made = (place: { parent: Path; name: string }, inode: Inode | Errno): Path | Errno => {
  if (isErrno(inode)) return inode;
  const { parent, name } = place;
  if (inode.keepsFlags) inode.fileFlags = inheritedFlags(parent.dentry.inode);
  const dentry = addDentry(parent.dentry, name, inode);
  notify(null, parent.dentry.inode, inode.isDirectory ? IN_CREATE | IN_ISDIR : IN_CREATE, name);
  return { mount: parent.mount, dentry };
};

/** mknod(2) without its argument checks; `mode` has the type. */
export const makeNode = (task: Task, dirfd: number, path: string, mode: number, rdev: number): Path | Errno => {
  const isDirectory = (mode & S_IFMT) === S_IFDIR;
  const place = freeName(task, dirfd, path, isDirectory);
  if (isErrno(place)) return place;
  const error = checkCreate(task, place.parent);
  if (error < 0) return error as Errno;
  const type = mode & S_IFMT;
  // A character device 0:0 is a whiteout, which anybody may make.
  const isDevice = type === S_IFBLK || (type === S_IFCHR && rdev !== 0);
  if (isDevice && (!task.creds.has(CAP_MKNOD) || !mayUseDevice(mode, rdev, "m"))) return EPERM;
  const kept = mayMakeIn(task.creds, place.parent, mode);
  if (kept !== 0) return kept;
  const dir = place.parent.dentry.inode;
  return made(place, dir.create(place.name, newMode(task, dir, mode), task.creds.fsuid, newGid(task, dir), rdev));
};

export const mkdir = (task: Task, dirfd: number, path: string, mode: number): number => {
  const place = makeNode(task, dirfd, path, S_IFDIR | (mode & 0o1777), 0);
  return isErrno(place) ? place : 0;
};

export const mknod = (task: Task, dirfd: number, path: string, mode: number, rdev: number): number => {
  const type = mode & S_IFMT;
  if (type === S_IFDIR) return EPERM;
  if (type !== 0 && type !== S_IFREG && type !== S_IFCHR && type !== S_IFBLK && type !== S_IFIFO && type !== S_IFSOCK) return EINVAL;
  const isDevice = type === S_IFCHR || type === S_IFBLK;
  const fullMode = (type === 0 ? S_IFREG : type) | (mode & 0o7777);
  const place = makeNode(task, dirfd, path, fullMode, isDevice ? rdev : 0);
  return isErrno(place) ? place : 0;
};

export const symlink = (task: Task, target: string, dirfd: number, path: string): number => {
  if (target.length === 0) return ENOENT;
  const place = freeName(task, dirfd, path, false);
  if (isErrno(place)) return place;
  const error = checkCreate(task, place.parent) || mayLinkSymbolicallyIn(task.creds, place.parent);
  if (error < 0) return error;
  const dir = place.parent.dentry.inode;
  const result = made(place, dir.symlink(place.name, target, task.creds.fsuid, newGid(task, dir)));
  return isErrno(result) ? result : 0;
};

/** hook_path_link() of Landlock */
const mayLinkTo = ({ creds: { landlock } }: Task, old: Path, parent: Path): number => {
  if (landlock === null) return 0;
  const from = { mount: old.mount, dentry: old.dentry.parent ?? old.dentry };
  return mayRefer(landlock, { parent: from, needed: 0 }, { parent, needed: makingAccess(old.dentry.inode.mode) }, old.dentry, null);
};

/** linkat(2) once the old name is found. */
export const link = (task: Task, old: Path, dirfd: number, path: string): number => {
  const place = freeName(task, dirfd, path, false);
  if (isErrno(place)) return place;
  const { parent, name } = place;
  const { inode } = old.dentry;
  if (old.mount !== parent.mount) return EXDEV;
  if (parent.mount.isReadOnly) return EROFS;
  const refused = mayLink(inode, task.creds);
  if (refused < 0) return refused;
  if (isFixed(inode)) return EPERM;
  const kept = mayLinkTo(task, old, parent);
  if (kept < 0) return kept;
  const error = checkCreate(task, parent);
  if (error < 0) return error;
  if (inode.fs !== parent.dentry.inode.fs) return EXDEV;
  if (inode.isDirectory) return EPERM;
  if (inode.nlink === 0 && !inode.isLinkable) return ENOENT;
  const result = parent.dentry.inode.link(name, inode);
  if (result < 0) return result;
  inode.isLinkable = false;
  addDentry(parent.dentry, name, inode);
  notify(inode, null, IN_ATTRIB, "");
  notify(null, parent.dentry.inode, IN_CREATE, name);
  return 0;
};
