/** chmod, chown and utimes on inodes that keep nothing but their attributes. */
import { S_IFMT } from "../../../syscall-tables/flags/open.ts";
import type { Clock } from "../../loop/clock.ts";
import type { AttributeChange, Inode } from "../../vfs/inode.ts";

export const applyChange = (inode: Inode, change: AttributeChange, clock: Clock): number => {
  if (change.mode !== undefined) inode.mode = (inode.mode & S_IFMT) | (change.mode & 0o7777);
  if (change.uid !== undefined) inode.uid = change.uid;
  if (change.gid !== undefined) inode.gid = change.gid;
  if (change.atime === "now") clock.stamp(inode.atime);
  else if (change.atime !== undefined) Object.assign(inode.atime, change.atime);
  if (change.mtime === "now") clock.stamp(inode.mtime);
  else if (change.mtime !== undefined) Object.assign(inode.mtime, change.mtime);
  clock.stamp(inode.ctime);
  return 0;
};
