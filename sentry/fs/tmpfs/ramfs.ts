/** ramfs: a tmpfs that has no limits and knows one option, mode= (fs/ramfs/inode.c). */
import { S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { EINVAL } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import { initialUserNamespace } from "../../task/user-namespace.ts";
import { MemoryDirectory } from "../../vfs/memory/memory-directory.ts";
import { MemoryFilesystem } from "../../vfs/memory/memory-filesystem.ts";

const RAMFS_MAGIC = 0x858458f6;

class Ramfs extends MemoryFilesystem {
  readonly type = "ramfs";
  protected readonly magic = RAMFS_MAGIC;
  readonly root: MemoryDirectory;
  readonly #mode: number;

  constructor(kernel: Kernel, mode: number, uid: number, gid: number) {
    super(kernel, 1);
    this.#mode = mode;
    this.root = new MemoryDirectory(this, S_IFDIR | mode, uid, gid);
  }

  override get options(): string {
    return this.#mode === 0o755 ? "" : `mode=${this.#mode.toString(8)}`;
  }
}

/** Options that are not its own are passed over: tmpfs's were once given to it (ramfs_parse_param). */
export const registerRamfs = (kernel: Kernel): void => {
  kernel.vfs.registerFilesystem(
    "ramfs",
    (task, _source, data) => {
      let mode = 0o755;
      for (const option of data.split(",")) {
        if (!option.startsWith("mode=")) continue;
        if (!/^mode=[0-7]+$/.test(option)) return EINVAL;
        mode = Number.parseInt(option.slice(5), 8) & 0o7777;
      }
      const creds = task?.creds ?? null;
      const namespace = initialUserNamespace();
      return new Ramfs(kernel, mode, creds?.fsuid ?? namespace.toKuid(0), creds?.fsgid ?? namespace.toKgid(0));
    },
    (task) => task.creds.userNamespace,
  );
};
