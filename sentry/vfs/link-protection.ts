/** fs.protected_hardlinks and its kin (proc_sys_fs(5)). That of hard links is on wherever Linux is set up at all. */
import { S_IFIFO, S_IFMT, S_ISGID, S_ISUID, S_ISVTX } from "../../syscall-tables/flags/open.ts";
import { EACCES, EPERM } from "../abi/errno.ts";
import type { Credentials } from "../task/credentials.ts";
import type { Inode } from "./inode.ts";
import { isOwner, MAY_READ, MAY_WRITE, mayAccess } from "./permission.ts";

export const linkProtection = {
  hardlinks: true,
  symlinks: false,
  /** 1: in sticky directories that all may write; 2: in those that the group may write too. */
  fifos: 0,
  regular: 0,
};

/** may_linkat(): only what one could write, and nothing set-ID, unless it is one's own. */
export const mayLink = (inode: Inode, creds: Credentials): number => {
  if (!linkProtection.hardlinks || isOwner(inode, creds)) return 0;
  if (!inode.isRegular || (inode.mode & S_ISUID) !== 0) return EPERM;
  if ((inode.mode & (S_ISGID | 0o010)) === (S_ISGID | 0o010)) return EPERM;
  return mayAccess(inode, creds, MAY_READ | MAY_WRITE) < 0 ? EPERM : 0;
};

/** may_follow_link(): in a sticky world-writable directory, one's own links and those of its owner. */
export const mayFollow = (link: Inode, dir: Inode, creds: Credentials): number => {
  if (!linkProtection.symlinks || creds.fsuid === link.uid) return 0;
  const isShared = (dir.mode & (S_ISVTX | 0o002)) === (S_ISVTX | 0o002);
  return isShared && dir.uid !== link.uid ? EACCES : 0;
};

/** may_create_in_sticky(): opening what others have left in a shared directory with O_CREAT. Sockets and devices are always protected. */
export const mayReuse = (inode: Inode, dir: Inode, creds: Credentials): number => {
  if ((dir.mode & S_ISVTX) === 0 || inode.uid === dir.uid || inode.uid === creds.fsuid) return 0;
  const isFifo = (inode.mode & S_IFMT) === S_IFIFO;
  const level = inode.isRegular ? linkProtection.regular : isFifo ? linkProtection.fifos : 1;
  if (level === 0) return 0;
  return (dir.mode & 0o002) !== 0 || (level >= 2 && (dir.mode & 0o020) !== 0) ? EACCES : 0;
};
