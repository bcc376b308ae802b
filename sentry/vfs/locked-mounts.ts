/**
 * What a mount namespace of less privilege must leave as it was given: mounts stay on what they hide, and read-only
 * stays so (mount_namespaces(7), "Restrictions on mount namespaces"; lock_mnt_tree() of fs/namespace.c).
 */
import { MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_RELATIME } from "../../syscall-tables/flags/mount.ts";
import { initialUserNamespace } from "../task/user-namespace.ts";
import type { Filesystem } from "./filesystem.ts";
import type { Mount } from "./mount.ts";
import type { MountNamespace } from "./mount-namespace.ts";
import { isBelow, treeOf } from "./mount-tree.ts";
import type { Dentry } from "./path.ts";

const ONE_WAY = MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC;
const ATIME = MS_NOATIME | MS_NODIRATIME | MS_RELATIME;

/** lock_mnt_tree(): what came from more privilege, be it a whole namespace's copy or a tree that was propagated. */
export const lockTree = (top: Mount): void => {
  for (const mount of treeOf(top)) {
    mount.lockedFlags |= mount.flags & ONE_WAY;
    mount.isAtimeLocked = true;
    if (mount !== top) mount.isLocked = true;
  }
};

/** can_change_locked_flags() */
export const mayChangeFlags = (mount: Mount, wanted: number): boolean =>
  (mount.lockedFlags & ~wanted) === 0 && (!mount.isAtimeLocked || (mount.flags & ATIME) === (wanted & ATIME));

/** has_locked_children(): would a copy of `mount` alone, from `from` on, show what locked mounts hide? */
export const hidesBelow = (mount: Mount, from: Dentry): boolean => {
  for (const [dentry, child] of mount.children) if (child.isLocked && isBelow(dentry, from)) return true;
  return false;
};

/** Directories that Linux keeps empty for others to mount on: nothing is hidden there (is_empty_dir_inode()). */
const MOUNT_POINTS: ReadonlySet<string> = new Set([
  "sys/fs/binfmt_misc",
  "fs/cgroup",
  "fs/bpf",
  "fs/pstore",
  "fs/fuse/connections",
  "kernel/config",
  "kernel/debug",
  "kernel/security",
  "kernel/tracing",
]);

const nameOf = (dentry: Dentry): string =>
  dentry.parent === null ? "" : dentry.parent.parent === null ? dentry.name : `${nameOf(dentry.parent)}/${dentry.name}`;

/** mnt_already_visible(): does `shown` show as much as a new mount of its filesystem with `flags` would? */
const showsAsMuch = (shown: Mount, flags: number): boolean => {
  if (shown.root !== shown.fs.rootDentry) return false;
  const isReadOnly = shown.fs.isReadOnly || (shown.lockedFlags & MS_RDONLY) !== 0;
  if (isReadOnly && (flags & MS_RDONLY) === 0) return false;
  if (shown.isAtimeLocked && (shown.flags & ATIME) !== (flags & ATIME)) return false;
  for (const [dentry, child] of shown.children) if (child.isLocked && !MOUNT_POINTS.has(nameOf(dentry))) return false;
  return true;
};

/** mount_too_revealing(): a /proc or /sys of one's own must not uncover what is covered in the one that was given. */
export const isTooRevealing = (namespace: MountNamespace, fs: Filesystem, flags: number): boolean => {
  if (namespace.owner === initialUserNamespace() || (fs.type !== "proc" && fs.type !== "sysfs")) return false;
  for (const shown of namespace.mounts) if (shown.fs.type === fs.type && showsAsMuch(shown, flags)) return false;
  return true;
};
