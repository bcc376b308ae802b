/**
 * Where filesystem events leave the VFS (fsnotify). Watchers hang on inodes: the owner of
 * inotify sets `inode.watches`; nothing is computed for files that nobody watches.
 */
import { IN_ALL_EVENTS, IN_EXCL_UNLINK, IN_ISDIR } from "../../syscall-tables/flags/open.ts";
import type { Task } from "../task/task.ts";
import type { Inode } from "./inode.ts";
import type { OpenFile } from "./open-file.ts";
import type { Dentry, Path } from "./path.ts";

/** The watchers of one inode. */
export interface InodeWatches {
  /** `name` is empty for an event of the inode itself, else the name of the child concerned. `mask` carries IN_ISDIR, and IN_EXCL_UNLINK when the child has lost its name. */
  event(mask: number, name: string, cookie: number): void;
  /** The same for what a host process did (fs/gofer). */
  outside(mask: number, name: string, cookie: number): void;
}

let lastCookie = 0;
/** Ties IN_MOVED_FROM to IN_MOVED_TO. */
export const nextCookie = (): number => {
  lastCookie = (lastCookie + 1) >>> 0 || 1;
  return lastCookie;
};

/** The event `mask` for the watchers of `inode` (without a name) and of `parentInode` (with `name`); either may be null. */
export const notify = (inode: Inode | null, parentInode: Inode | null, mask: number, name: string, cookie = 0): void => {
  if (parentInode !== null && parentInode.watches !== null) parentInode.watches.event(mask, name, cookie);
  if (inode !== null && inode.watches !== null) inode.watches.event(mask, "", cookie);
};

/** An event of the file at `dentry`, seen by its own watchers and by those of its directory. */
export const notifyDentry = (dentry: Dentry, mask: number): void => {
  const parent = dentry.parent;
  if (dentry.inode.watches === null && (parent === null || parent.inode.watches === null)) return;
  const full = dentry.inode.isDirectory ? mask | IN_ISDIR : mask;
  if (parent !== null) notify(null, parent.inode, dentry.isUnlinked ? full | IN_EXCL_UNLINK : full, dentry.name);
  notify(dentry.inode, null, full, "");
};

/** Who hears events with their place in the mount tree (fs/fanotify sets `hear` while there are marks). */
export const pathEvents: {
  hear: ((path: Path, mask: number, task: Task | null) => void) | null;
  /** Who closes a file. */
  closer: Task | null;
  /** A watcher opens a file for itself. */
  isQuiet: boolean;
} = { hear: null, closer: null, isQuiet: false };

/** The same for an open file; `task` is who did it. */
export const notifyFile = (file: OpenFile, mask: number, task: Task | null = null): void => {
  // FMODE_NONOTIFY
  if (file.path === null || file.isSilent || pathEvents.isQuiet) return;
  notifyDentry(file.path.dentry, mask & IN_ALL_EVENTS);
  if (pathEvents.hear !== null) pathEvents.hear(file.path, mask, task);
};
