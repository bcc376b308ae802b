/** Landlock's say about files (security/landlock/fs.c): rights add up from a place to the root of all mounts, for each layer. */
import { O_ACCMODE, O_RDONLY, O_WRONLY, S_IFBLK, S_IFCHR, S_IFMT } from "../../syscall-tables/flags/open.ts";
import { EACCES, type Errno, EXDEV } from "../abi/errno.ts";
import type { Credentials } from "../task/credentials.ts";
import type { Inode } from "../vfs/inode.ts";
import type { Dentry, Path } from "../vfs/path.ts";
import {
  FS_ALL,
  FS_EXECUTE,
  FS_IOCTL_DEV,
  FS_MAKE_SYM,
  FS_OF_FILES,
  FS_READ_DIR,
  FS_READ_FILE,
  FS_REFER,
  FS_REMOVE_DIR,
  FS_REMOVE_FILE,
  FS_TRUNCATE,
  FS_WRITE_FILE,
  makingAccess,
} from "./access.ts";
import type { Domain, Ruleset } from "./domain.ts";

/** What a layer allows at `path`, at most `wanted` of it. */
const granted = (rules: Ruleset, path: Path, wanted: number): number => {
  // What lies in filesystems that nobody can mount, such as pipes and memfds, is not Landlock's affair.
  if (path.mount.fs.isInternal) return FS_ALL;
  let found = 0;
  let { mount } = path;
  let dentry: Dentry | null = path.dentry;
  while (dentry !== null) {
    found |= rules.allowedOf(dentry.inode);
    if ((wanted & ~found) === 0) break;
    // The mount's root is visible through the place it is mounted on, whose own rules do not count.
    while (dentry === mount.root && mount.parent !== null && mount.mountpoint !== null) {
      dentry = mount.mountpoint;
      mount = mount.parent;
    }
    dentry = dentry === mount.root ? null : dentry.parent;
  }
  return found;
};

/** The rights among `wanted` that some layer does not allow at `path`. */
const missing = (domain: Domain, path: Path, wanted: number): number => {
  let denied = 0;
  for (const { rules } of domain.layers()) {
    const asked = wanted & rules.handledFs;
    if (asked !== 0) denied |= asked & ~granted(rules, path, asked);
  }
  return denied;
};

/** 0 or EACCES. */
const check = ({ landlock }: Credentials, path: Path, wanted: number): 0 | Errno =>
  landlock !== null && missing(landlock, path, wanted) !== 0 ? EACCES : 0;

export const mayMakeIn = (creds: Credentials, parent: Path, mode: number): 0 | Errno => check(creds, parent, makingAccess(mode));
export const mayLinkSymbolicallyIn = (creds: Credentials, parent: Path): 0 | Errno => check(creds, parent, FS_MAKE_SYM);
export const mayRemoveFrom = (creds: Credentials, parent: Path, isDirectory: boolean): 0 | Errno =>
  check(creds, parent, isDirectory ? FS_REMOVE_DIR : FS_REMOVE_FILE);
export const mayTruncate = (creds: Credentials, path: Path): 0 | Errno => check(creds, path, FS_TRUNCATE);
/** A program, its interpreter and its script are read, too. */
export const mayExecute = (creds: Credentials, path: Path): 0 | Errno => check(creds, path, FS_EXECUTE | FS_READ_FILE);

/** get_required_file_open_access() */
const openingAccess = (inode: Inode, flags: number): number => {
  const mode = flags & O_ACCMODE;
  if (inode.isDirectory) return FS_READ_DIR;
  return (mode === O_WRONLY ? 0 : FS_READ_FILE) | (mode === O_RDONLY ? 0 : FS_WRITE_FILE);
};

/** hook_file_open(): an errno, or the rights that the open file goes without for ever: to be truncated, and a device's ioctls. */
export const checkOpen = (domain: Domain, path: Path, flags: number): number => {
  const { inode } = path.dentry;
  const type = inode.mode & S_IFMT;
  const later = FS_TRUNCATE | (type === S_IFCHR || type === S_IFBLK ? FS_IOCTL_DEV : 0);
  const denied = missing(domain, path, openingAccess(inode, flags) | later);
  return (denied & ~later) !== 0 ? EACCES : denied;
};

/** One side of a link or rename: the directory, and what is needed in it. */
export interface ReferEnd {
  readonly parent: Path;
  readonly needed: number;
}

/** Does `moved` have rights in `to` that it has not where it is now? (no_more_access) */
const gains = (rules: Ruleset, from: Path, to: Path, moved: Dentry): boolean => {
  const compared = moved.inode.isDirectory ? rules.handledFs : rules.handledFs & FS_OF_FILES;
  const before = granted(rules, from, FS_ALL) | rules.allowedOf(moved.inode);
  return (compared & ~before & granted(rules, to, FS_ALL)) !== 0;
};

/**
 * current_check_refer_path(): `moved` gets a name in `to.parent`; in an exchange `other` gets one in `from.parent`. EACCES for what
 * is needed in either directory; EXDEV where things may not change their directory, or would gain by it.
 */
export const mayRefer = (domain: Domain, from: ReferEnd, to: ReferEnd, moved: Dentry, other: Dentry | null): 0 | Errno => {
  if (from.parent.dentry === to.parent.dentry) return missing(domain, to.parent, from.needed | to.needed) === 0 ? 0 : EACCES;
  let isRefused = false;
  for (const { rules } of domain.layers()) {
    const handled = rules.handledFs;
    const short =
      ((from.needed | FS_REFER) & handled & ~granted(rules, from.parent, FS_ALL)) |
      ((to.needed | FS_REFER) & handled & ~granted(rules, to.parent, FS_ALL));
    if ((short & ~FS_REFER) !== 0) return EACCES;
    isRefused ||= short !== 0 || gains(rules, from.parent, to.parent, moved);
    isRefused ||= other !== null && gains(rules, to.parent, from.parent, other);
  }
  return isRefused ? EXDEV : 0;
};

/** maybe_remove() */
export const removingAccess = (dentry: Dentry | null): number =>
  dentry === null ? 0 : dentry.inode.isDirectory ? FS_REMOVE_DIR : FS_REMOVE_FILE;
