/**
 * The container's cgroup as a cgroup mount shows it, read-only: the limits are the host's files as `create` and `update`
 * found them, the usage is the sentry's own count.
 */
import { O_ACCMODE, O_RDONLY, S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { EACCES } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import { machine } from "../../task/machine.ts";
import type { Task } from "../../task/task.ts";
import { Filesystem, type FilesystemStatistics } from "../../vfs/filesystem.ts";
import type { Inode } from "../../vfs/inode.ts";

import { GeneratedDirectory, GeneratedLink, TextInode } from "../proc/generated.ts";
import { usageFiles } from "./cgroup-usage.ts";

const MAGICS: Readonly<Record<string, number>> = { tmpfs: 0x0102_1994, cgroup: 0x27_e0eb, cgroup2: 0x6367_7270 };

class CgroupText extends TextInode {
  readonly #make: (reader: Task) => string;

  constructor(fs: Filesystem, ino: number, make: (reader: Task) => string) {
    super(fs, ino, 0o444);
    this.#make = make;
  }

  override text(reader: Task): string {
    return this.#make(reader);
  }

  protected override mayOpen(flags: number, _task: Task): number {
    return (flags & O_ACCMODE) === O_RDONLY ? 0 : EACCES;
  }
}

/** Of v1 the tmpfs in which the hierarchies are mounted, or one of those by its directory's name; of v2 all there is. */
export class Cgroupfs extends Filesystem {
  readonly type: string;
  readonly root: GeneratedDirectory;
  /** As a bind of the container's cgroup, which is what runc makes of v1: Java takes the mount for the cgroup if this is its path. */
  override readonly rootName: string;
  readonly #kernel: Kernel;
  readonly #part: string;
  #lastIno = 1;

  constructor(kernel: Kernel, part: string) {
    super(kernel.vfs.allocateDevice());
    this.#kernel = kernel;
    this.#part = part;
    const isV2 = machine.cgroup?.version === 2;
    const path = isV2 ? "/" : (this.#controllers.map((name) => machine.cgroup?.controllers[name]?.path)[0] ?? "/");
    this.rootName = path === "/" ? "" : path;
    this.type = isV2 ? "cgroup2" : part === "" ? "tmpfs" : "cgroup";
    this.root = this.#stamped(new GeneratedDirectory(this, 1, S_IFDIR | 0o555));
    if (part === "" && !isV2) this.#addHierarchies();
    else this.#addFiles();
  }

  #addHierarchies(): void {
    for (const name of cgroupHierarchies())
      this.root.add(name, this.#stamped(new GeneratedDirectory(this, ++this.#lastIno, S_IFDIR | 0o555)));
    for (const [controller, { directory }] of Object.entries(machine.cgroup?.controllers ?? {})) {
      if (directory === "" || directory === controller || controller.includes("=")) continue;
      this.root.add(controller, this.#stamped(new GeneratedLink(this, ++this.#lastIno, () => directory)));
    }
  }

  /** The controllers that are mounted here. */
  get #controllers(): string[] {
    return Object.entries(machine.cgroup?.controllers ?? {}).flatMap(([name, { directory }]) => (directory === this.#part ? [name] : []));
  }

  #addFiles(): void {
    for (const controller of this.#controllers) {
      for (const name of Object.keys(machine.cgroup?.controllers[controller].files ?? {})) {
        this.#add(name, () => machine.cgroup?.controllers[controller]?.files[name] ?? "");
      }
      for (const [name, make] of Object.entries(usageFiles(controller))) this.#add(name, (reader) => make(this.#kernel, reader));
    }
  }

  #stamped<T extends Inode>(inode: T): T {
    for (const time of [inode.atime, inode.mtime, inode.ctime]) this.#kernel.clock.stamp(time);
    return inode;
  }

  #add(name: string, make: (reader: Task) => string): void {
    if (this.root.child(name) === null) this.root.add(name, this.#stamped(new CgroupText(this, ++this.#lastIno, make)));
  }

  override get options(): string {
    return this.type === "cgroup" ? this.#controllers.join(",") : "";
  }

  override statfs(): FilesystemStatistics {
    const type = MAGICS[this.type];
    return { type, blockSize: 4096, blocks: 0, blocksFree: 0, blocksAvailable: 0, files: 0, filesFree: 0, nameMax: 255 };
  }
}

export const registerCgroupfs = (kernel: Kernel): void => {
  kernel.vfs.registerFilesystem(
    "cgroup",
    (_task, _source, part) => new Cgroupfs(kernel, part),
    (task) => task.cgroupNamespace.userNamespace,
  );
};

/** v1's hierarchies by the names of their directories; none with v2. */
export const cgroupHierarchies = (): string[] => [
  ...new Set(Object.values(machine.cgroup?.controllers ?? {}).flatMap(({ directory }) => (directory === "" ? [] : [directory]))),
];

/** /proc/PID/cgroup: all processes are in the container's. */
export const cgroupText = (): string => {
  const view = machine.cgroup;
  if (view === null) return "0::/\n";
  const pathOf = (hierarchy: string): string => {
    const [first] = hierarchy.slice(hierarchy.indexOf(":") + 1).split(",");
    return view.controllers[first]?.path ?? "/";
  };
  return view.hierarchies.map((hierarchy) => `${hierarchy}:${pathOf(hierarchy)}\n`).join("");
};
