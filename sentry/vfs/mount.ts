import {
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
} from "../../syscall-tables/flags/mount.ts";
import type { Filesystem } from "./filesystem.ts";
import type { MountNamespace } from "./mount-namespace.ts";
import type { Dentry } from "./path.ts";
import type { PeerGroup } from "./peer-group.ts";

/** The flags that belong to a mount and not to its filesystem. */
export const MOUNT_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MS_NOATIME | MS_NODIRATIME | MS_RELATIME;

let lastId = 20;

/** Ids that are never used again (STATX_MNT_ID_UNIQUE) are no small numbers. */
export const FIRST_UNIQUE_ID = 2 ** 31 + 1;
export const uniqueIdOf = ({ id }: Mount): number => id + 2 ** 32;

/** One mount: a (sub)tree of a filesystem placed on a dentry of its parent mount. */
export class Mount {
  readonly id: number;
  readonly fs: Filesystem;
  /** The dentry of `fs` that is visible at the mount point (bind mounts: not the fs root). */
  readonly root: Dentry;
  parent: Mount | null = null;
  mountpoint: Dentry | null = null;
  /** MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, … of this mount. */
  flags: number;
  /** The source column of /proc/mounts. */
  source: string;
  /** Null once unmounted (or not yet placed: open_tree, fsmount). */
  namespace: MountNamespace | null = null;
  /** Mounts placed on dentries of this one. */
  readonly children = new Map<Dentry, Mount>();
  /** Open files and working directories on it. */
  pins = 0;
  /** Files open for writing through it. */
  writers = 0;
  /** Its peers and itself, when it is shared. */
  group: PeerGroup | null = null;
  /** Whom it hears of. */
  master: PeerGroup | null = null;
  isUnbindable = false;

  /** umount2(MNT_EXPIRE) has marked it. */
  isExpiring = false;
  /** Of what a less privileged namespace was given (locked-mounts.ts): it stays here; these flags and the atime mode stay, too. */
  isLocked = false;
  lockedFlags = 0;
  isAtimeLocked = false;
  #isReleased = false;

  constructor(fs: Filesystem, root: Dentry, flags: number, source: string) {
    this.id = ++lastId;
    this.fs = fs;
    this.root = root;
    this.flags = flags;
    this.source = source;
    root.pins++;
    fs.mounts++;
  }

  /** A holder lets go; a mount that umount2(MNT_DETACH) took off the tree ends with its last one. */
  unpin(): void {
    this.pins--;
    if (this.#isReleased && this.pins === 0) this.#end();
  }

  /** It is in no tree any more. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (this.pins === 0) this.#end();
  }

  /** Neither in a namespace nor in the tree of a descriptor: unmounted. */
  get isUnmounted(): boolean {
    return this.#isReleased;
  }

  /** It is in a tree (again). */
  revive(): void {
    this.#isReleased = false;
  }

  #end(): void {
    this.root.pins--;
    if (--this.fs.mounts === 0) this.fs.destroy();
  }

  get isReadOnly(): boolean {
    return (this.flags & MS_RDONLY) !== 0 || this.fs.isReadOnly;
  }
}
