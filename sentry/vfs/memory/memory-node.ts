/** Symbolic links, devices, FIFOs and sockets in memory. */
import { S_IFLNK } from "../../../syscall-tables/flags/open.ts";
import type { Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Inode } from "../inode.ts";
import type { MemoryFilesystem } from "./memory-filesystem.ts";
import { MemoryInode } from "./memory-inode.ts";

/** Device, FIFO or socket: the VFS opens it (vfs/special.ts). */
export class MemoryNode extends MemoryInode {
  constructor(fs: MemoryFilesystem, mode: number, uid: number, gid: number, rdev: number, origin: Inode | null = null) {
    super(fs, mode, uid, gid, origin);
    this.rdev = rdev;
  }

  override get blocks(): number {
    return 0;
  }
}

export class MemoryLink extends MemoryInode {
  #target: string | null;

  constructor(fs: MemoryFilesystem, uid: number, gid: number, target: string | null, origin: Inode | null = null) {
    super(fs, S_IFLNK | 0o777, uid, gid, origin);
    this.#target = target;
    if (target !== null) this.size = target.length;
  }

  override readlink(task: Task): string | Errno {
    if (this.#target !== null) return this.#target;
    const target = this.origin === null ? "" : this.origin.readlink(task);
    if (typeof target === "string") this.#target = target;
    return target;
  }

  override get blocks(): number {
    return this.origin === null ? 0 : this.origin.blocks;
  }
}
