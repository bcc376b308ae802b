/** The kernel's own tmpfs (shm_mnt), mounted nowhere: memfds and System V shared memory live here. */
import { S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import type { Kernel } from "../../kernel.ts";

import { MemoryDirectory } from "../../vfs/memory/memory-directory.ts";
import { MemoryFilesystem } from "../../vfs/memory/memory-filesystem.ts";
import { Mount } from "../../vfs/mount.ts";
import { Dentry, type Path } from "../../vfs/path.ts";
import type { MemfdInode } from "./memfd.ts";

const TMPFS_MAGIC = 0x01021994;

export class MemfdFilesystem extends MemoryFilesystem {
  readonly type = "tmpfs";
  override readonly isInternal = true;
  protected readonly magic = TMPFS_MAGIC;
  readonly root: MemoryDirectory;
  readonly #mount: Mount;

  constructor(kernel: Kernel) {
    super(kernel, 1);
    this.root = new MemoryDirectory(this, S_IFDIR | 0o1777, 0, 0);
    this.#mount = new Mount(this, new Dentry("/", null, this.root), 0, "tmpfs");
  }

  /** A path for an inode without a name: shown as "/NAME (deleted)". */
  unnamedPath(name: string, inode: MemfdInode): Path {
    const dentry = new Dentry(`/${name}`, null, inode);
    dentry.isUnlinked = true;
    return { mount: this.#mount, dentry };
  }
}

const instances = new WeakMap<Kernel, MemfdFilesystem>();

export const memfdFilesystem = (kernel: Kernel): MemfdFilesystem => {
  let fs = instances.get(kernel);
  if (fs === undefined) {
    fs = new MemfdFilesystem(kernel);
    instances.set(kernel, fs);
  }
  return fs;
};
