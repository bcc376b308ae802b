/** The virtual filesystem: path walks, opening, names and mounts. One per kernel. */
import type { Errno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task/task.ts";
import type { Filesystem } from "./filesystem.ts";
import type { Mount } from "./mount.ts";
import type { MountNamespace } from "./mount-namespace.ts";
import type { OpenFile } from "./open-file.ts";
import type { Path } from "./path.ts";

/** Walk flags. Without WALK_FOLLOW a symbolic link at the end is not followed. */
export const WALK_FOLLOW = 0x1;
/** ENOTDIR unless it ends at a directory. */
export const WALK_DIRECTORY = 0x2;
/** AT_EMPTY_PATH: "" is `dirfd` itself. */
export const WALK_EMPTY = 0x4;

/** A directory and the name in it that a call is about to make, remove or change. */
export interface ParentPath {
  readonly parent: Path;
  /** "." and ".." and "/" are refused or kept by the caller: see `kind`. */
  readonly name: string;
  readonly kind: "name" | "." | ".." | "/";
  /** The path ended in a slash: only a directory will do. */
  readonly hasSlash: boolean;
}

/** Makes a filesystem for mount(2): `source` and `data` are its arguments. */
export type FilesystemFactory = (task: Task | null, source: string, data: string) => Filesystem | Errno;

/** A line of /proc/pid/mounts and mountinfo. */
export interface MountEntry {
  readonly mount: Mount;
  /** As seen from the task's root. */
  readonly path: string;
  /** The path of the mount's root within its filesystem. */
  readonly root: string;
  /** "rw,nosuid,…" of the mount. */
  readonly mountOptions: string;
  /** "rw,size=…" of the filesystem. */
  readonly fsOptions: string;
}

export declare class Vfs {
  constructor(kernel: Kernel);
  readonly kernel: Kernel;

  /** A fresh anonymous st_dev (major 0). */
  allocateDevice(): number;
  /** Makes `type` known to mount(2); `nodev` as in /proc/filesystems (true: no block device behind it). */
  registerFilesystem(type: string, factory: FilesystemFactory, nodev?: boolean): void;
  /** The lines of /proc/filesystems. */
  filesystems(): { type: string; nodev: boolean }[];

  /** The place `path` names from `dirfd` (AT_FDCWD or an fd) on; `flags`: WALK_*; `resolve`: RESOLVE_* of openat2(2). */
  walk(task: Task, dirfd: number, path: string, flags: number, resolve?: number): Path | Errno;
  /** The directory that holds (or will hold) the last component. */
  walkParent(task: Task, dirfd: number, path: string): ParentPath | Errno;
  /** `name` in directory `parent`, following mounts but not links; no permission check. */
  child(task: Task | null, parent: Path, name: string): Path | Errno;

  /** open(2): `flags` O_*, `mode` before the umask. EAGAIN is never returned for a FIFO: see OpenFile.opening. */
  openAt(task: Task, dirfd: number, path: string, flags: number, mode: number, resolve?: number): OpenFile | Errno;
  /** Opens what a walk found; permission is checked (exec, /proc/self/fd). */
  openPath(task: Task, path: Path, flags: number): OpenFile | Errno;
  /** mknod(2), and bind(2) of a unix socket: `mode` has the type; the umask is applied here. EEXIST when the name is taken. */
  makeNode(task: Task, dirfd: number, path: string, mode: number, rdev: number): Path | Errno;

  /** d_path(): the name as seen from `root`; " (deleted)" behind removed ones. */
  pathName(path: Path, root?: Path): string;

  /** The first namespace: `fs` mounted at "/". */
  createNamespace(fs: Filesystem, source: string, flags?: number): MountNamespace;
  /** Mounts `fs` on `at` inside the kernel (start-up); missing directories are not made. */
  mountAt(namespace: MountNamespace, at: string, fs: Filesystem, source: string, flags?: number): Mount | Errno;
  /** mount(2). */
  mount(task: Task, source: string, target: Path, type: string, flags: number, data: string): number;
  /** umount2(2). */
  umount(task: Task, target: Path, flags: number): number;
  /** pivot_root(2). */
  pivotRoot(task: Task, newRoot: Path, putOld: Path): number;
  /** What `task` sees in /proc/mounts, in mount order. */
  mounts(task: Task): MountEntry[];
}
