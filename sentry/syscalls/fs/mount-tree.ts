/** Mounts as descriptors: open_tree(2), move_mount(2), mount_setattr(2). */
import {
  MOUNT_ATTR__ATIME,
  MOVE_MOUNT_BENEATH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_F_SYMLINKS,
  MOVE_MOUNT_SET_GROUP,
  MOVE_MOUNT_T_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  MS_NOATIME,
  MS_NODIRATIME,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../../syscall-tables/flags/mount.ts";
import { AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, O_PATH } from "../../../syscall-tables/flags/open.ts";
import { EBUSY, EINVAL, EPERM, type Errno, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { mayChangeFlags } from "../../vfs/locked-mounts.ts";
import { treeOf } from "../../vfs/mount-tree.ts";
import { changePropagation, cloneMount, mayChangeMounts, mayMount, mountFlags, moveMount, setGroup } from "../../vfs/mounting.ts";

import type { Path } from "../../vfs/path.ts";
import { PathFile } from "../../vfs/path-file.ts";
import { TreeFile } from "../../vfs/tree-file.ts";
import { atPath } from "../file/at-path.ts";
import { readExtensible } from "../file/openat2.ts";
import { implement } from "../implement.ts";
import { attributeFlags, MOUNT_ATTRIBUTES, plainFlags } from "./mount-attributes.ts";

const MOUNT_ATTR_SIZE = 32;
const MOVE_FLAGS = 0x377;
const EXCLUSIVE_FLAGS = MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH;

/** vfs_open_tree() */
const treeFile = (task: Task, dirfd: number, path: string, flags: number): PathFile | number => {
  if ((flags & ~(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_RECURSIVE)) !== 0)
    return EINVAL;
  const isClone = (flags & OPEN_TREE_CLONE) !== 0;
  if ((flags & AT_RECURSIVE) !== 0 && !isClone) return EINVAL;
  if (isClone && !mayMount(task)) return EPERM;
  const place = atPath(task, dirfd, path, flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
  if (isErrno(place)) return place;
  if (!isClone) return new PathFile(place, O_PATH);
  const copy = cloneMount(task, place, (flags & AT_RECURSIVE) !== 0);
  return typeof copy === "number" ? copy : new TreeFile(copy);
};

const install = (task: Task, file: PathFile, flags: number): number => {
  const fd = task.files.install(file, (flags & OPEN_TREE_CLOEXEC) !== 0);
  if (fd < 0) file.put();
  return fd;
};

/** open_tree(2) */
export const sys_open_tree = implement("open_tree", { level: "full" }, (task, dirfd, path, flags) => {
  const file = treeFile(task, dirfd, path, flags);
  return typeof file === "number" ? file : install(task, file, flags);
});

/** open_tree_attr(2) */
export const sys_open_tree_attr = implement(
  "open_tree_attr",
  { level: "partial", note: "no id-mapped mounts" },
  (task, dirfd, path, flags, addr, size) => {
    if (addr === 0 && size !== 0) return EINVAL;
    const file = treeFile(task, dirfd, path, flags);
    if (typeof file === "number") return file;
    const place = file.path;
    const error = addr === 0 || place === null ? 0 : setAttributes(task, addr, size, (flags & AT_RECURSIVE) !== 0, () => place);
    if (error < 0) {
      file.put();
      return error;
    }
    return install(task, file, flags);
  },
);

/** move_mount(2) */
export const sys_move_mount = implement("move_mount", { level: "full" }, (task, fromFd, fromPath, toFd, toPath, flags) => {
  if (!mayChangeMounts(task)) return EPERM;
  if ((flags & ~MOVE_FLAGS) !== 0 || (flags & EXCLUSIVE_FLAGS) === EXCLUSIVE_FLAGS) return EINVAL;
  const at = (symlinks: number, empty: number): number =>
    ((flags & symlinks) !== 0 ? 0 : AT_SYMLINK_NOFOLLOW) | ((flags & empty) !== 0 ? AT_EMPTY_PATH : 0);
  const from = atPath(task, fromFd, fromPath, at(MOVE_MOUNT_F_SYMLINKS, MOVE_MOUNT_F_EMPTY_PATH));
  if (isErrno(from)) return from;
  const to = atPath(task, toFd, toPath, at(MOVE_MOUNT_T_SYMLINKS, MOVE_MOUNT_T_EMPTY_PATH));
  if (isErrno(to)) return to;
  return (flags & MOVE_MOUNT_SET_GROUP) !== 0 ? setGroup(task, from, to) : moveMount(task, from, to, (flags & MOVE_MOUNT_BENEATH) !== 0);
});

/** wants_mount_setattr(), do_mount_setattr(): `find` says where once the attributes are known to be good. */
const setAttributes = (task: Task, addr: number, size: number, isRecursive: boolean, find: () => Path | Errno): number => {
  if (!mayMount(task)) return EPERM;
  const view = readExtensible(task, addr, size, MOUNT_ATTR_SIZE);
  if (typeof view === "number") return view;
  const set = view.getUint32(0, true);
  const clear = view.getUint32(8, true);
  const propagation = view.getUint32(16, true);
  if (((set | clear) & ~MOUNT_ATTRIBUTES) !== 0 || view.getUint32(4, true) !== 0 || view.getUint32(12, true) !== 0) return EINVAL;
  if ((propagation & ~(MS_PRIVATE | MS_SHARED | MS_SLAVE | MS_UNBINDABLE)) !== 0 || view.getUint32(20, true) !== 0) return EINVAL;
  if ((propagation & (propagation - 1)) !== 0) return EINVAL;
  if ((set | clear | propagation) === 0) return 0;
  // The atime mode is one field: it is cleared whole before one of its values is set.
  const changesAtime = (clear & MOUNT_ATTR__ATIME) !== 0;
  if (changesAtime ? (clear & MOUNT_ATTR__ATIME) !== MOUNT_ATTR__ATIME : (set & MOUNT_ATTR__ATIME) !== 0) return EINVAL;
  const wanted = attributeFlags(set);
  if (wanted < 0) return EINVAL;
  const place = find();
  if (isErrno(place)) return place;
  if (place.dentry !== place.mount.root) return EINVAL;
  const mounts = isRecursive ? treeOf(place.mount) : [place.mount];
  if ((wanted & MS_RDONLY) !== 0 && mounts.some((mount) => mount.writers > 0)) return EBUSY;
  const changed = (flags: number): number => {
    const plain = (flags & ~plainFlags(clear)) | plainFlags(set);
    if (!changesAtime) return plain;
    return (plain & ~(MS_NOATIME | MS_RELATIME)) | (mountFlags(wanted) & (MS_NOATIME | MS_RELATIME | MS_NODIRATIME));
  };
  if (!mounts.every((mount) => mayChangeFlags(mount, changed(mount.flags)))) return EPERM;
  for (const mount of mounts) mount.flags = changed(mount.flags);
  return propagation === 0 ? 0 : changePropagation(task, place, propagation | (isRecursive ? MS_REC : 0));
};

/** mount_setattr(2) */
export const sys_mount_setattr = implement(
  "mount_setattr",
  { level: "partial", note: "no id-mapped mounts" },
  (task, dirfd, path, flags, addr, size) => {
    if ((flags & ~(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)) !== 0) return EINVAL;
    return setAttributes(task, addr, size, (flags & AT_RECURSIVE) !== 0, () =>
      atPath(task, dirfd, path, flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)),
    );
  },
);
