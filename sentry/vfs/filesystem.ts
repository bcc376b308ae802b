import { initialUserNamespace, type UserNamespace } from "../task/user-namespace.ts";
import type { Inode } from "./inode.ts";
import type { Dentry } from "./path.ts";

/** statfs(2) figures; sizes in blocks of `blockSize` bytes. */
export interface FilesystemStatistics {
  type: number;
  blockSize: number;
  blocks: number;
  blocksFree: number;
  blocksAvailable: number;
  files: number;
  filesFree: number;
  nameMax: number;
}

/** A mounted or mountable file tree (super block). */
export abstract class Filesystem {
  /** As in /proc/mounts and /proc/filesystems. */
  abstract readonly type: string;
  /** st_dev, encoded as makedev(3); unique per instance (allocated by the VFS). */
  readonly device: number;
  abstract readonly root: Inode;
  /** What stands before the names in mountinfo's root column: where `root` lies in the host's filesystem. */
  readonly rootName: string = "";
  /** st_blksize of its inodes (s_blocksize). */
  readonly blockSize: number = 4096;
  isReadOnly = false;
  /** s_user_ns: whose CAP_SYS_ADMIN may change its options. */
  owner: UserNamespace = initialUserNamespace();
  /** Files open for writing: a read-only remount is refused while above 0. */
  writers = 0;
  /** Mounts of it, over all namespaces; `destroy` runs when the last goes. */
  mounts = 0;
  /** The one dentry of `root`; made by the VFS. */
  rootDentry: Dentry | null = null;
  /** True when names may appear or vanish behind the kernel's back (procfs, shared volumes): dentries are then revalidated by `lookup`. */
  readonly isVolatile: boolean = false;

  /** True where a name that is not there is refused before anything can be made of it: ENOENT (procfs). */
  readonly refusesNewNames: boolean = false;

  /** SB_NOUSER: nobody can mount it (pipefs, sockfs, the memfds'). */
  readonly isInternal: boolean = false;

  /** True where files could have attributes (file_getattr(2)), though none here has any. */
  readonly keepsAttributes: boolean = false;

  constructor(device: number) {
    this.device = device;
  }

  abstract statfs(): FilesystemStatistics;
  /** Mount options of this filesystem as /proc/mounts prints them after "rw,…". */
  get options(): string {
    return "";
  }
  /** mount(2) with MS_REMOUNT: takes new options; 0 or an errno. */
  remount(_options: string): number {
    return 0;
  }
  /** syncfs(2). */
  sync(): number {
    return 0;
  }
  /** The last mount is gone. */
  destroy(): void {}
}
