/** tmpfs(5): a filesystem in memory. */
import { totalmem } from "node:os";
import { EINVAL, type Errno, isErrno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import { S_IFDIR } from "../../vfs/inode.ts";
import { MemoryDirectory } from "../../vfs/memory/memory-directory.ts";
import { MemoryFilesystem } from "../../vfs/memory/memory-filesystem.ts";
import { parseTmpfsOptions, type TmpfsOptions } from "./options.ts";

const TMPFS_MAGIC = 0x01021994;
const PAGE = 4096;
/** Read once at start: later the sentry sees nothing of the host. */
const MEMORY_PAGES = Math.floor(totalmem() / PAGE);

export class Tmpfs extends MemoryFilesystem {
  readonly type = "tmpfs";
  protected readonly magic = TMPFS_MAGIC;
  readonly root: MemoryDirectory;
  #options: TmpfsOptions;

  constructor(kernel: Kernel, options: TmpfsOptions = {}) {
    super(kernel, 1);
    this.#options = options;
    this.#limit();
    this.root = new MemoryDirectory(this, S_IFDIR | (options.mode ?? 0o1777), options.uid ?? 0, options.gid ?? 0);
  }

  /** Half of the memory unless told otherwise; 0 is no limit. */
  #limit(): void {
    const { size, inodes } = this.#options;
    const bytes = typeof size === "object" ? Math.floor((MEMORY_PAGES * size.percent) / 100) * PAGE : size;
    const pages = bytes === undefined ? Math.floor(MEMORY_PAGES / 2) : Math.ceil(bytes / PAGE);
    const count = inodes ?? Math.floor(MEMORY_PAGES / 2);
    this.budget.limit = pages === 0 ? Number.POSITIVE_INFINITY : pages;
    this.budget.inodeLimit = count === 0 ? Number.POSITIVE_INFINITY : count;
  }

  override get options(): string {
    const { size, inodes, mode, uid, gid } = this.#options;
    const shown: string[] = [];
    if (size !== undefined && Number.isFinite(this.budget.limit)) shown.push(`size=${(this.budget.limit * PAGE) / 1024}k`);
    if (inodes !== undefined) shown.push(`nr_inodes=${inodes}`);
    if (mode !== undefined && mode !== 0o1777) shown.push(`mode=${mode.toString(8)}`);
    if (uid) shown.push(`uid=${uid}`);
    if (gid) shown.push(`gid=${gid}`);
    return shown.join(",");
  }

  override remount(data: string): number {
    const options = parseTmpfsOptions(data);
    if (isErrno(options)) return options;
    const before = this.#options;
    this.#options = { ...before, ...options };
    this.#limit();
    if (this.budget.used > this.budget.limit || this.budget.usedInodes > this.budget.inodeLimit) {
      this.#options = before;
      this.#limit();
      return EINVAL;
    }
    return 0;
  }
}

/** mount(2) of type tmpfs (and ramfs, devtmpfs-like trees). */
export const registerTmpfs = (kernel: Kernel): void => {
  kernel.vfs.registerFilesystem("tmpfs", (_task, _source, data): Tmpfs | Errno => {
    const options = parseTmpfsOptions(data);
    return isErrno(options) ? options : new Tmpfs(kernel, options);
  });
};
