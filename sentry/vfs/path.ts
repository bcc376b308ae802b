import type { Inode } from "./inode.ts";
import type { Mount } from "./mount.ts";

/**
 * A name in the tree. `parent` is null only for a filesystem's root.
 * A removed name keeps its dentry with `isUnlinked` (shown as "… (deleted)").
 */
export class Dentry {
  name: string;
  parent: Dentry | null;
  inode: Inode;
  isUnlinked = false;
  /** Known children: null is a name known not to exist. Null map: none looked up yet, or not a directory. */
  children: Map<string, Dentry | null> | null = null;
  /** How many `null` values `children` holds. */
  negatives = 0;
  /** Mounts whose mount point this is, over all namespaces: 0 lets a walk skip the mount table. */
  mounts = 0;
  /** Open files, working directories and mounts that keep it in the cache. */
  pins = 0;
  /** Looked up since the cache's hand passed last. */
  isRecent = true;
  isCached = false;

  constructor(name: string, parent: Dentry | null, inode: Inode) {
    this.name = name;
    this.parent = parent;
    this.inode = inode;
  }
}

/** A place in the mount tree (struct path): what path walks return, what cwd and open files hold. */
export interface Path {
  readonly mount: Mount;
  readonly dentry: Dentry;
}

/** While `path` is held, its dentry stays cached and its mount is busy (EBUSY from umount). */
export const takePath = (path: Path): Path => {
  path.dentry.pins++;
  path.mount.pins++;
  return path;
};

export const putPath = (path: Path): void => {
  path.dentry.pins--;
  path.mount.unpin();
};
