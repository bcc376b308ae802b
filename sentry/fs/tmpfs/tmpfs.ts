/** tmpfs(5): a filesystem in memory. */

import { totalmem } from "node:os";
import { S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, isErrno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { Credentials } from "../../task/credentials.ts";
import { INVALID_ID, initialUserNamespace } from "../../task/user-namespace.ts";

import { MemoryDirectory } from "../../vfs/memory/memory-directory.ts";
import { MemoryFilesystem } from "../../vfs/memory/memory-filesystem.ts";
import type { FilesystemFactory } from "../../vfs/vfs.ts";
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
    // The owner was a matter of the first mount.
    const { uid: _uid, gid: _gid, ...rest } = options;
    this.#options = { ...before, ...rest };
    this.#limit();
    if (this.budget.used > this.budget.limit || this.budget.usedInodes > this.budget.inodeLimit) {
      this.#options = before;
      this.#limit();
      return EINVAL;
    }
    return 0;
  }
}

/** The root is the mounter's unless the options name another owner, by ids of the mounter's namespace (shmem_init_fs_context). */
const ownedOptions = (options: TmpfsOptions, creds: Credentials | null): TmpfsOptions => {
  const namespace = creds?.userNamespace ?? initialUserNamespace();
  const uid = options.uid === undefined ? (creds?.fsuid ?? namespace.toKuid(0)) : namespace.toKuid(options.uid);
  const gid = options.gid === undefined ? (creds?.fsgid ?? namespace.toKgid(0)) : namespace.toKgid(options.gid);
  return { ...options, uid, gid };
};

/** mount(2) of type tmpfs. */
export const registerTmpfs = (kernel: Kernel): void => {
  const make: FilesystemFactory = (task, _source, data) => {
    const options = parseTmpfsOptions(data);
    if (isErrno(options)) return options;
    const owned = ownedOptions(options, task?.creds ?? null);
    return owned.uid === INVALID_ID || owned.gid === INVALID_ID ? EINVAL : new Tmpfs(kernel, owned);
  };
  kernel.vfs.registerFilesystem("tmpfs", make, (task) => task.creds.userNamespace);
};
