/** mount(2), umount2(2), pivot_root(2) (fs/namespace.c). */

import {
  MNT_DETACH,
  MNT_EXPIRE,
  MNT_FORCE,
  MS_BIND,
  MS_MOVE,
  MS_NOATIME,
  MS_NODIRATIME,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  MS_SILENT,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_UNBINDABLE,
  UMOUNT_NOFOLLOW,
} from "../../syscall-tables/flags/mount.ts";
import { CAP_SYS_ADMIN } from "../../syscall-tables/flags/system.ts";

import { EAGAIN, EBUSY, EINVAL, ELOOP, ENOENT, ENOTDIR, EPERM, isErrno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import { rootDentry } from "./dentry-cache.ts";
import { hidesBelow, isTooRevealing, mayChangeFlags } from "./locked-mounts.ts";
import { MOUNT_FLAGS, Mount } from "./mount.ts";
import { copyMount, copyTree, hasLockedUnbindable, isBelow, releaseTree, treeOf } from "./mount-tree.ts";
import type { Path } from "./path.ts";
import { copySharing, setPropagation } from "./peer-group.ts";
import { attachTree, isBusy, unmountTree, wouldOvermount } from "./propagation.ts";
import { isReachable, overmounted } from "./tree.ts";
import type { Vfs } from "./vfs.ts";

const PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
const ATIME_FLAGS = MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME;

/** may_mount(): CAP_SYS_ADMIN over the mount namespace. */
export const mayMount = (task: Task): boolean => task.creds.hasIn(task.fs.namespace.owner, CAP_SYS_ADMIN);

/** Landlock keeps the mounts as they are where it has a say about files (hook_sb_mount and its like). */
export const mayChangeMounts = (task: Task): boolean => mayMount(task) && !task.creds.landlock?.handlesFiles;

/** The flags of a mount from those of mount(2): relatime unless asked otherwise. */
export const mountFlags = (flags: number): number => {
  let kept = flags & MOUNT_FLAGS & ~MS_RELATIME;
  if ((flags & (MS_NOATIME | MS_STRICTATIME)) === 0) kept |= MS_RELATIME;
  return kept;
};

/** path_mounted(): is it the root of a mount? */
const isMountRoot = (path: Path): boolean => path.dentry === path.mount.root;

/** Puts `mount`, which is nowhere, on `target` or on what covers it (graft_tree). 0 or an errno. */
export const graft = (task: Task, mount: Mount, target: Path): number => {
  const place = overmounted(target.mount, target.dentry);
  const { namespace } = place.mount;
  if (namespace === null || namespace !== task.fs.namespace) return EINVAL;
  if (place.dentry.isUnlinked) return ENOENT;
  if (mount.root.inode.isDirectory !== place.dentry.inode.isDirectory) return ENOTDIR;
  return attachTree(mount, place.mount, place.dentry, namespace.owner);
};

const newMount = (task: Task, vfs: Vfs, source: string, target: Path, type: string, flags: number, data: string): number => {
  const fs = vfs.makeFilesystem(task, type, source, data);
  if (isErrno(fs)) return fs;
  if (isMountRoot(target) && target.mount.fs === fs) return EBUSY;
  const isFresh = fs.mounts === 0;
  const mount = new Mount(fs, rootDentry(fs), mountFlags(flags), source === "" ? "none" : source);
  if (isTooRevealing(task.fs.namespace, fs, mount.flags)) {
    mount.release();
    return EPERM;
  }
  if (isFresh && (flags & MS_RDONLY) !== 0) fs.isReadOnly = true;
  const error = graft(task, mount, target);
  if (error < 0) mount.release();
  return error;
};

/** A mount, outside any tree, that shows what `source` shows (__do_loopback). */
export const cloneMount = (task: Task, source: Path, isRecursive: boolean): Mount | number => {
  // A namespace's file is in no mount of anybody's; a bind of it keeps the namespace (ip-netns(8)).
  if (source.mount.namespace !== task.fs.namespace && source.mount.fs.type !== "nsfs") return EINVAL;
  if (source.mount.isUnbindable) return EINVAL;
  if (!isRecursive && hidesBelow(source.mount, source.dentry)) return EINVAL;
  if (isRecursive && hasLockedUnbindable(source.mount, source.dentry)) return EPERM;
  const copy = isRecursive ? copyTree(source.mount, { root: source.dentry }) : copyMount(source.mount, source.dentry);
  copy.isLocked = false;
  return copy;
};

const bind = (task: Task, vfs: Vfs, source: string, target: Path, flags: number): number => {
  if (source === "") return EINVAL;
  const from = vfs.follow(task, source);
  if (isErrno(from)) return from;
  const copy = cloneMount(task, from, (flags & MS_REC) !== 0);
  if (typeof copy === "number") return copy;
  const error = graft(task, copy, target);
  if (error < 0) releaseTree(copy);
  return error;
};

const move = (task: Task, vfs: Vfs, source: string, target: Path): number => {
  if (source === "") return EINVAL;
  const from = vfs.follow(task, source);
  if (isErrno(from)) return from;
  return moveMount(task, from, target);
};

/** can_move_mount_beneath(): may `mount` come between `top` and what `top` is mounted on? */
const mayGoBeneath = (task: Task, mount: Mount, target: Path): number => {
  const top = target.mount;
  const { parent, mountpoint } = top;
  if (parent === null || mountpoint === null || !isMountRoot(target) || top.isLocked || top.children.has(top.root)) return EINVAL;
  if (top === task.fs.root.mount) return EINVAL;
  for (let at: Mount | null = mount; at !== null; at = at.parent) if (at === top) return EINVAL;
  // A copy of it must come neither on top of `top` nor on top of itself.
  if (wouldOvermount(parent, top, mountpoint)) return EINVAL;
  return mount.namespace === task.fs.namespace && wouldOvermount(parent, mount, mountpoint) ? EINVAL : 0;
};

/** Moves the mount whose root is `from` to `target` (do_move_mount). */
export const moveMount = (task: Task, from: Path, target: Path, isBeneath = false): number => {
  const { mount } = from;
  const { namespace } = task.fs;
  const cover = overmounted(target.mount, target.dentry);
  const place =
    isBeneath && cover.mount.parent !== null && cover.mount.mountpoint !== null
      ? { mount: cover.mount.parent, dentry: cover.mount.mountpoint }
      : cover;
  if (!isMountRoot(from) || mount.isLocked || place.mount.namespace !== namespace) return EINVAL;
  const isMoved = mount.namespace !== null;
  if (isMoved ? mount.namespace !== namespace || mount.parent === null : mount.isUnmounted || mount.parent !== null) return EINVAL;
  if (mount.root.inode.isDirectory !== place.dentry.inode.isDirectory) return EINVAL;
  if (mount.parent?.group) return EINVAL;
  if (isBeneath) {
    const error = mayGoBeneath(task, mount, target);
    if (error < 0) return error;
  }
  if (place.mount.group !== null && treeOf(mount).some((each) => each.isUnbindable)) return EINVAL;
  if (place.dentry.isUnlinked) return ENOENT;
  for (let at: Mount | null = place.mount; at !== null; at = at.parent) if (at === mount) return ELOOP;
  const { parent, mountpoint } = mount;
  if (isMoved) namespace.detach(mount);
  const error = attachTree(mount, place.mount, place.dentry, namespace.owner, isMoved);
  if (error < 0 && isMoved && parent !== null && mountpoint !== null) namespace.attach(mount, parent, mountpoint);
  return error;
};

/** may_change_propagation() */
const mayChangePropagation = (task: Task, mount: Mount): number => {
  if (mount.isUnmounted) return EINVAL;
  return task.creds.hasIn((mount.namespace ?? task.fs.namespace).owner, CAP_SYS_ADMIN) ? 0 : EPERM;
};

/** MOVE_MOUNT_SET_GROUP: `to`, which is private, becomes what a bind of `from` would be (do_set_group). */
export const setGroup = (task: Task, from: Path, to: Path): number => {
  const error = mayChangePropagation(task, from.mount) || mayChangePropagation(task, to.mount);
  if (error < 0) return error;
  if (!isMountRoot(from) || !isMountRoot(to) || from.mount.fs !== to.mount.fs) return EINVAL;
  if (!isBelow(to.mount.root, from.mount.root) || hidesBelow(from.mount, to.mount.root)) return EINVAL;
  if (to.mount.group !== null || to.mount.master !== null) return EINVAL;
  if (from.mount.group === null && from.mount.master === null) return EINVAL;
  copySharing(to.mount, from.mount);
  return 0;
};

/** do_change_type(): MS_SHARED and the like. */
export const changePropagation = (task: Task | null, target: Path, flags: number): number => {
  const type = flags & PROPAGATION;
  if ((flags & ~(PROPAGATION | MS_REC | MS_SILENT)) !== 0 || (type & (type - 1)) !== 0) return EINVAL;
  if (!isMountRoot(target)) return EINVAL;
  const error = task === null ? 0 : mayChangePropagation(task, target.mount);
  if (error < 0) return error;
  for (const mount of (flags & MS_REC) !== 0 ? treeOf(target.mount) : [target.mount]) setPropagation(mount, type);
  return 0;
};

const remount = (task: Task, target: Path, flags: number, data: string): number => {
  if (!isMountRoot(target)) return EINVAL;
  const { mount } = target;
  let wanted = mountFlags(flags);
  // An atime setting that is not mentioned stays (do_remount's callers).
  if ((flags & ATIME_FLAGS) === 0) wanted = (wanted & ~ATIME_FLAGS) | (mount.flags & ATIME_FLAGS);
  if (!mayChangeFlags(mount, wanted)) return EPERM;
  if ((flags & MS_BIND) === 0) {
    if (!task.creds.hasIn(mount.fs.owner, CAP_SYS_ADMIN)) return EPERM;
    const isReadOnly = (flags & MS_RDONLY) !== 0;
    if (isReadOnly && !mount.fs.isReadOnly && mount.fs.writers > 0) return EBUSY;
    const error = mount.fs.remount(data);
    if (error < 0) return error;
    mount.fs.isReadOnly = isReadOnly;
  }
  if ((wanted & MS_RDONLY) !== 0 && (mount.flags & MS_RDONLY) === 0 && mount.writers > 0) return EBUSY;
  mount.flags = wanted;
  return 0;
};

export const mount = (task: Task, vfs: Vfs, source: string, target: Path, type: string, rawFlags: number, data: string): number => {
  // MS_MGC_VAL, which old mount(8) passes.
  const flags = (rawFlags & 0xffff_0000) >>> 0 === 0xc0ed_0000 ? rawFlags & 0xffff : rawFlags;
  if (!mayChangeMounts(task)) return EPERM;
  if ((flags & MS_REMOUNT) !== 0) return remount(task, target, flags, data);
  if ((flags & MS_BIND) !== 0) return bind(task, vfs, source, target, flags);
  if ((flags & PROPAGATION) !== 0) return changePropagation(task, target, flags);
  if ((flags & MS_MOVE) !== 0) return move(task, vfs, source, target);
  if (type === "") return EINVAL;
  return newMount(task, vfs, source, target, type, flags, data);
};

export const umount = (task: Task, target: Path, flags: number): number => {
  if ((flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW)) !== 0) return EINVAL;
  const { mount } = target;
  if (!mayMount(task)) return EPERM;
  if (!isMountRoot(target) || mount.namespace !== task.fs.namespace) return EINVAL;
  if (mount.isLocked) return EINVAL;
  // can_umount() comes before what a security module says.
  if (!mayChangeMounts(task)) return EPERM;
  if ((flags & MNT_EXPIRE) !== 0 && (flags & (MNT_FORCE | MNT_DETACH)) !== 0) return EINVAL;
  if (mount.parent === null) return (flags & MNT_DETACH) !== 0 ? EINVAL : EBUSY;
  if ((flags & MNT_DETACH) === 0 && isBusy(mount)) return EBUSY;
  if ((flags & MNT_EXPIRE) !== 0 && !mount.isExpiring) {
    mount.isExpiring = true;
    return EAGAIN;
  }
  unmountTree(mount);
  return 0;
};

/** Every root and working directory at the old root moves along (chroot_fs_refs). */
const moveRoots = (task: Task, from: Path, to: Path): void => {
  const isFrom = (path: Path): boolean => path.mount === from.mount && path.dentry === from.dentry;
  for (const process of task.kernel.pids.processes()) {
    for (const { fs } of process.tasks.values()) {
      if (isFrom(fs.root)) fs.root = to;
      if (isFrom(fs.cwd)) fs.cwd = to;
    }
  }
};

export const pivotRoot = (task: Task, newRoot: Path, putOld: Path): number => {
  if (!mayChangeMounts(task)) return EPERM;
  const { root, namespace } = task.fs;
  const rootMount = root.mount;
  if (newRoot.mount.namespace !== namespace || rootMount.namespace !== namespace || putOld.mount.namespace !== namespace) return EINVAL;
  if (putOld.mount.group !== null || newRoot.mount.parent?.group || rootMount.parent?.group) return EINVAL;
  if (newRoot.mount.isLocked) return EINVAL;
  if (newRoot.dentry.isUnlinked) return ENOENT;
  if (newRoot.mount === rootMount || putOld.mount === rootMount) return EBUSY;
  if (!isMountRoot(root) || !isMountRoot(newRoot) || newRoot.mount.parent === null) return EINVAL;
  if (!isReachable(putOld, newRoot) || !isReachable(newRoot, root)) return EINVAL;
  const isBare = rootMount.parent === null;
  const place =
    rootMount.parent === null || rootMount.mountpoint === null ? null : { mount: rootMount.parent, dentry: rootMount.mountpoint };
  newRoot.mount.isLocked = rootMount.isLocked;
  rootMount.isLocked = false;
  namespace.detach(newRoot.mount);
  if (!isBare) namespace.detach(rootMount);
  if (place !== null) namespace.attach(newRoot.mount, place.mount, place.dentry);
  else {
    namespace.adopt(newRoot.mount);
    namespace.root = newRoot.mount;
  }
  namespace.attach(rootMount, putOld.mount, putOld.dentry);
  moveRoots(task, root, newRoot);
  return 0;
};
