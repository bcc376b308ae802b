import type { Filesystem } from "./filesystem.ts";
import type { MountNamespace } from "./mount-namespace.ts";
import type { Dentry } from "./path.ts";

export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_SYNCHRONOUS = 16;
export const MS_REMOUNT = 32;
export const MS_MANDLOCK = 64;
export const MS_DIRSYNC = 128;
export const MS_NOSYMFOLLOW = 256;
export const MS_NOATIME = 1024;
export const MS_NODIRATIME = 2048;
export const MS_BIND = 4096;
export const MS_MOVE = 8192;
export const MS_REC = 16384;
export const MS_SILENT = 32768;
export const MS_UNBINDABLE = 1 << 17;
export const MS_PRIVATE = 1 << 18;
export const MS_SLAVE = 1 << 19;
export const MS_SHARED = 1 << 20;
export const MS_RELATIME = 1 << 21;
export const MS_STRICTATIME = 1 << 24;
export const MS_LAZYTIME = 1 << 25;

/** The flags that belong to a mount and not to its filesystem. */
export const MOUNT_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MS_NOATIME | MS_NODIRATIME | MS_RELATIME;

let lastId = 20;

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
  /** MS_PRIVATE, MS_SHARED, MS_SLAVE or MS_UNBINDABLE, as last asked for. */
  propagation = MS_PRIVATE;
  /** Peer group for the "shared:N" tag of mountinfo. */
  group = 0;

  /** umount2(MNT_EXPIRE) has marked it. */
  isExpiring = false;
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

  #end(): void {
    this.root.pins--;
    if (--this.fs.mounts === 0) this.fs.destroy();
  }

  get isReadOnly(): boolean {
    return (this.flags & MS_RDONLY) !== 0 || this.fs.isReadOnly;
  }
}
