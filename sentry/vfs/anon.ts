/** Inodes without a name: pipes, sockets, eventfd and the like. */
import { S_IFIFO, S_IFMT, S_IFSOCK } from "../../syscall-tables/flags/open.ts";
import { ENXIO, EOPNOTSUPP, type Errno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task/task.ts";
import { Filesystem, type FilesystemStatistics } from "./filesystem.ts";
import { type AttributeChange, Inode } from "./inode.ts";
import type { OpenFile } from "./open-file.ts";
import type { Path } from "./path.ts";

const ANON_INODE_FS_MAGIC = 0x09041934;
const PIPEFS_MAGIC = 0x50495045;
const SOCKFS_MAGIC = 0x534f434b;

class AnonFilesystem extends Filesystem {
  override readonly isInternal = true;
  readonly type: string;
  readonly magic: number;
  readonly root: Inode;
  readonly kernel: Kernel;
  lastIno = 0;

  constructor(kernel: Kernel, type: string, magic: number) {
    super(kernel.vfs.allocateDevice());
    this.kernel = kernel;
    this.type = type;
    this.magic = magic;
    this.root = new AnonInode(this, 1, 0o040555);
  }

  override statfs(): FilesystemStatistics {
    return { type: this.magic, blockSize: 4096, blocks: 0, blocksFree: 0, blocksAvailable: 0, files: 0, filesFree: 0, nameMax: 255 };
  }
}

class AnonInode extends Inode {
  /** no_open(), sock_no_open(): not by /proc/PID/fd either. */
  override open(_path: Path, _flags: number, _task: Task): OpenFile | Errno {
    return ENXIO;
  }

  override setAttributes(change: AttributeChange, _task: Task | null): number {
    // anon_inode_setattr(): all of them are one inode's to Linux; pipes and sockets have their own.
    if ((this.mode & S_IFMT) === 0) return EOPNOTSUPP;
    if (change.mode !== undefined) this.mode = (this.mode & S_IFMT) | (change.mode & 0o7777);
    if (change.uid !== undefined) this.uid = change.uid;
    if (change.gid !== undefined) this.gid = change.gid;
    const { clock } = (this.fs as AnonFilesystem).kernel;
    clock.stamp(this.ctime);
    for (const which of ["atime", "mtime"] as const) {
      const time = change[which];
      if (time === "now") clock.stamp(this[which]);
      else if (time !== undefined) {
        this[which].sec = time.sec;
        this[which].nsec = time.nsec;
      }
    }
    return 0;
  }
}

const filesystems = new WeakMap<Kernel, { anon: AnonFilesystem; pipe: AnonFilesystem; socket: AnonFilesystem }>();

const filesystemFor = (kernel: Kernel, mode: number): AnonFilesystem => {
  let set = filesystems.get(kernel);
  if (set === undefined) {
    set = {
      anon: new AnonFilesystem(kernel, "anon_inodefs", ANON_INODE_FS_MAGIC),
      pipe: new AnonFilesystem(kernel, "pipefs", PIPEFS_MAGIC),
      socket: new AnonFilesystem(kernel, "sockfs", SOCKFS_MAGIC),
    };
    filesystems.set(kernel, set);
  }
  const type = mode & S_IFMT;
  return type === S_IFIFO ? set.pipe : type === S_IFSOCK ? set.socket : set.anon;
};

/** A fresh inode of `mode` (S_IFIFO: on pipefs, S_IFSOCK: on sockfs, else anon_inodefs) owned by `uid:gid`. */
export const anonInode = (kernel: Kernel, mode: number, uid = 0, gid = 0): Inode => {
  const fs = filesystemFor(kernel, mode);
  const inode = new AnonInode(fs, ++fs.lastIno, mode);
  inode.uid = uid;
  inode.gid = gid;
  kernel.clock.stamp(inode.atime);
  Object.assign(inode.mtime, inode.atime);
  Object.assign(inode.ctime, inode.atime);
  Object.assign(inode.btime, inode.atime);
  return inode;
};
