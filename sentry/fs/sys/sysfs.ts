/** sysfs(5), as far as programs read it: processors, one memory node, huge pages, lo. */
import { O_ACCMODE, O_RDONLY, S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { EACCES, type Errno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import { networkOf } from "../../net/network-namespace.ts";
import type { Task } from "../../task/task.ts";
import { Filesystem, type FilesystemStatistics } from "../../vfs/filesystem.ts";
import type { Inode } from "../../vfs/inode.ts";
import { type DirectoryEntry, GeneratedDirectory, GeneratedLink, TextInode } from "../proc/generated.ts";
import type { HostFacts } from "../proc/host-facts.ts";
import { NetworkClass } from "./network-class.ts";
import { sysfsLinks, sysfsTexts } from "./sysfs-files.ts";

const SYSFS_MAGIC = 0x6265_6572;
const ROOT_INO = 1;

/** Directories that are there though nothing is in them; fs/cgroup is a mount point. */
const EMPTY_DIRECTORIES = [
  "block",
  "bus",
  "class/block",
  "class/tty",
  "dev/block",
  "dev/char",
  "firmware",
  "fs/cgroup",
  "fs/bpf",
  "fs/selinux",
  "kernel/debug",
  "kernel/security",
  "kernel/tracing",
  "kernel/config",
  "module",
  "power",
];

class SysfsText extends TextInode {
  readonly #make: () => string;

  constructor(fs: Filesystem, ino: number, make: () => string) {
    super(fs, ino, 0o444);
    this.size = 4096;
    this.#make = make;
  }

  override text(): string {
    return this.#make();
  }

  protected override mayOpen(flags: number, _task: Task): number {
    return (flags & O_ACCMODE) === O_RDONLY ? 0 : EACCES;
  }
}

/** Filled when somebody looks into it: few programs do, and its hundred inodes would be a part of every sandbox's start. */
class SysfsRoot extends GeneratedDirectory {
  #fill: (() => void) | null;

  constructor(fs: Filesystem, ino: number, fill: () => void) {
    super(fs, ino, S_IFDIR | 0o555);
    this.#fill = fill;
  }

  #filled(): void {
    const fill = this.#fill;
    this.#fill = null;
    fill?.();
  }

  /** The number of links counts the directories in it. */
  override refresh(): number {
    this.#filled();
    return 0;
  }

  override child(name: string): Inode | null {
    this.#filled();
    return super.child(name);
  }

  override lookup(name: string, task: Task | null): Inode | Errno {
    this.#filled();
    return super.lookup(name, task);
  }

  override entries(): Iterable<DirectoryEntry> {
    this.#filled();
    return super.entries();
  }
}

export class Sysfs extends Filesystem {
  readonly type = "sysfs";
  readonly root: GeneratedDirectory;
  readonly #kernel: Kernel;
  #lastIno = ROOT_INO;

  constructor(kernel: Kernel, facts: HostFacts) {
    super(kernel.vfs.allocateDevice());
    this.#kernel = kernel;
    this.root = this.#stamped(new SysfsRoot(this, ROOT_INO, () => this.#fill(facts)));
  }

  #fill(facts: HostFacts): void {
    const kernel = this.#kernel;
    for (const path of EMPTY_DIRECTORIES) this.#directory(path.split("/"));
    for (const [path, make] of sysfsTexts(facts)) {
      this.#place(path, this.#stamped(new SysfsText(this, ++this.#lastIno, make)));
    }
    const numbered = <T extends Inode>(make: (ino: number) => T): T => this.#stamped(make(++this.#lastIno));
    this.#place(
      "class/net",
      numbered((ino) => new NetworkClass(kernel, this, ino, true, numbered)),
    );
    this.#place(
      "devices/virtual/net",
      numbered((ino) => new NetworkClass(kernel, this, ino, false, numbered)),
    );
    for (const [path, target] of sysfsLinks()) {
      this.#place(path, this.#stamped(new GeneratedLink(this, ++this.#lastIno, () => target)));
    }
  }

  #stamped<T extends Inode>(inode: T): T {
    for (const time of [inode.atime, inode.mtime, inode.ctime]) this.#kernel.clock.stamp(time);
    return inode;
  }

  #directory(names: readonly string[]): GeneratedDirectory {
    let at = this.root;
    for (const name of names) {
      let child = at.child(name);
      if (child === null) {
        child = this.#stamped(new GeneratedDirectory(this, ++this.#lastIno, S_IFDIR | 0o755));
        at.add(name, child);
      }
      at = child as GeneratedDirectory;
    }
    return at;
  }

  #place(path: string, inode: Inode): void {
    const names = path.split("/");
    const name = names.pop() as string;
    this.#directory(names).add(name, inode);
  }

  override statfs(): FilesystemStatistics {
    return { type: SYSFS_MAGIC, blockSize: 4096, blocks: 0, blocksFree: 0, blocksAvailable: 0, files: 0, filesFree: 0, nameMax: 255 };
  }
}

export const registerSysfs = (kernel: Kernel, facts: HostFacts): void => {
  kernel.vfs.registerFilesystem(
    "sysfs",
    () => new Sysfs(kernel, facts),
    (task) => networkOf(task).userNamespace,
  );
};
