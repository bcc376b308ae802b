/**
 * A writable view of a read-only tree: what changes is kept in the sentry, nothing reaches
 * the lower filesystem. Attributes, names and data are copied up one by one when changed,
 * and an inode keeps its identity and number throughout.
 */
import { O_DIRECTORY, O_NOATIME, O_RDONLY, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../../syscall-tables/flags/open.ts";
import type { Errno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { Task } from "../../task/task.ts";
import { rootDentry } from "../../vfs/dentry-cache.ts";
import type { Filesystem, FilesystemStatistics } from "../../vfs/filesystem.ts";
import type { Inode } from "../../vfs/inode.ts";
import { MemoryFilesystem } from "../../vfs/memory/memory-filesystem.ts";
import type { MemoryInode } from "../../vfs/memory/memory-inode.ts";
import { MemoryLink, MemoryNode } from "../../vfs/memory/memory-node.ts";
import { Mount } from "../../vfs/mount.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { Dentry } from "../../vfs/path.ts";
import { OverlayDirectory } from "./overlay-directory.ts";
import { OverlayRegular } from "./overlay-regular.ts";

const OVERLAYFS_SUPER_MAGIC = 0x794c7630;
/** New files are numbered above what lower filesystems use. */
const FIRST_UPPER_INO = 2 ** 40;

export interface OverlayOptions {
  /** Bytes that changes may take; absent: no limit. */
  size?: number;
  /** As /proc/mounts shows it. */
  type?: string;
}

export class Overlay extends MemoryFilesystem {
  readonly type: string;
  protected readonly magic = OVERLAYFS_SUPER_MAGIC;
  readonly root: OverlayDirectory;
  readonly lower: Filesystem;
  readonly #lowerMount: Mount;
  /** The inodes that show lower ones, by lower number: hard links meet here. */
  readonly #shown = new Map<number, MemoryInode>();

  constructor(kernel: Kernel, lower: Filesystem, options: OverlayOptions = {}) {
    super(kernel, FIRST_UPPER_INO);
    this.lower = lower;
    this.type = options.type ?? "overlay";
    if (options.size !== undefined) this.budget.limit = Math.ceil(options.size / 4096);
    this.#lowerMount = new Mount(lower, rootDentry(lower), 0, "lower");
    this.root = this.show(lower.root, null) as OverlayDirectory;
  }

  /** What the lower tree holds counts as used, as it does where both lie on one disk. */
  override statfs(): FilesystemStatistics {
    const own = super.statfs();
    const { blockSize, blocks, blocksFree, files, filesFree } = this.lower.statfs();
    const used = Math.floor(((blocks - blocksFree) * blockSize) / own.blockSize);
    return { ...own, blocks: own.blocks + used, files: own.files + Math.max(0, files - filesFree) };
  }

  /** The inode that shows `lower`; a directory found in `parent`. */
  show(lower: Inode, parent: OverlayDirectory | null): MemoryInode {
    const known = this.#shown.get(lower.ino);
    if (known !== undefined) return known;
    const inode = this.#make(lower);
    if (inode instanceof OverlayDirectory && parent !== null) inode.parent = parent;
    this.#shown.set(lower.ino, inode);
    return inode;
  }

  #make(lower: Inode): MemoryInode {
    const { mode, uid, gid, rdev } = lower;
    switch (mode & S_IFMT) {
      case S_IFDIR:
        return new OverlayDirectory(this, mode, uid, gid, lower);
      case S_IFREG:
        return new OverlayRegular(this, mode, uid, gid, lower);
      case S_IFLNK:
        return new MemoryLink(this, uid, gid, null, lower);
      default:
        return new MemoryNode(this, mode, uid, gid, rdev, lower);
    }
  }

  override evicted(inode: MemoryInode): void {
    const { origin } = inode;
    if (origin !== null && this.#shown.get(origin.ino) === inode && inode !== this.root) {
      this.#shown.delete(origin.ino);
      this.budget.usedInodes--;
      origin.evict();
    }
  }

  /** Opens a lower file for reading. Lower filesystems check no permissions and stamp nothing, so the kernel's own reads need no task. */
  openLower(lower: Inode, task: Task | null): OpenFile | Errno {
    const dentry = new Dentry("", null, lower);
    const flags = O_RDONLY | O_NOATIME | (lower.isDirectory ? O_DIRECTORY : 0);
    return lower.open({ mount: this.#lowerMount, dentry }, flags, task as Task);
  }
}
