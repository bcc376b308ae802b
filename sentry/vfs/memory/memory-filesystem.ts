/** Filesystems whose inodes live in the sentry: tmpfs and the overlay's upper side. */
import type { Kernel } from "../../kernel.ts";
import { Filesystem, type FilesystemStatistics } from "../filesystem.ts";
import type { MemoryInode } from "./memory-inode.ts";
import { PageBudget } from "./page-budget.ts";

const PAGE = 4096;
/** What df shows without a limit: 2^52 bytes. */
const UNLIMITED_BLOCKS = 2 ** 40;

export abstract class MemoryFilesystem extends Filesystem {
  readonly kernel: Kernel;
  override readonly keepsAttributes: boolean = true;
  readonly budget = new PageBudget();
  protected abstract readonly magic: number;
  #lastIno: number;

  constructor(kernel: Kernel, firstIno: number) {
    super(kernel.vfs.allocateDevice());
    this.kernel = kernel;
    this.#lastIno = firstIno - 1;
  }

  allocateIno(): number {
    return ++this.#lastIno;
  }

  /** No dentry or open file shows `inode` and nothing in it has changed. */
  evicted(_inode: MemoryInode): void {}

  override statfs(): FilesystemStatistics {
    const { limit, used, inodeLimit, usedInodes } = this.budget;
    const blocks = Number.isFinite(limit) ? limit : UNLIMITED_BLOCKS;
    const files = Number.isFinite(inodeLimit) ? inodeLimit : UNLIMITED_BLOCKS;
    const free = Math.max(0, blocks - used);
    return {
      type: this.magic,
      blockSize: PAGE,
      blocks,
      blocksFree: free,
      blocksAvailable: free,
      files,
      filesFree: Math.max(0, files - usedInodes),
      nameMax: 255,
    };
  }
}
