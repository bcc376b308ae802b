/** The virtual filesystem: path walks, opening, names and mounts. One per kernel. */
import { MS_RELATIME } from "../../syscall-tables/flags/mount.ts";
import { AT_FDCWD } from "../../syscall-tables/flags/open.ts";
import { CAP_SYS_ADMIN } from "../../syscall-tables/flags/system.ts";
import { ENODEV, EPERM, type Errno, isErrno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task/task.ts";
import { initialUserNamespace, type UserNamespace } from "../task/user-namespace.ts";
import { lookupDentry, rootDentry } from "./dentry-cache.ts";
import { makedev } from "./devices.ts";
import type { Filesystem } from "./filesystem.ts";
import { Mount } from "./mount.ts";
import { type MountEntry, mountEntries } from "./mount-list.ts";
import { MountNamespace } from "./mount-namespace.ts";
import { mount, pivotRoot, umount } from "./mounting.ts";
import { makeNode } from "./names.ts";
import { openAt, openPath } from "./open.ts";
import type { OpenFile } from "./open-file.ts";
import type { Path } from "./path.ts";
import { overmounted, pathName } from "./tree.ts";
import { type LastKind, WALK_FOLLOW, WALK_PARENT, Walker } from "./walk.ts";

export type { MountEntry } from "./mount-list.ts";
export { WALK_DIRECTORY, WALK_EMPTY, WALK_FOLLOW } from "./walk.ts";

/** A directory and the name in it that a call is about to make, remove or change. */
export interface ParentPath {
  readonly parent: Path;
  readonly name: string;
  /** Only "name" can be made or removed. */
  readonly kind: LastKind;
  /** The path ended in a slash: only a directory will do. */
  readonly hasSlash: boolean;
}

/** Makes a filesystem for mount(2): `source` and `data` are its arguments. */
export type FilesystemFactory = (task: Task | null, source: string, data: string) => Filesystem | Errno;

export class Vfs {
  readonly kernel: Kernel;
  readonly #types = new Map<string, { factory: FilesystemFactory; nodev: boolean; ownerOf: (task: Task) => UserNamespace }>();
  readonly #walker = new Walker();
  #lastDevice = 0;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** A fresh anonymous st_dev (major 0). */
  allocateDevice(): number {
    return makedev(0, ++this.#lastDevice);
  }

  /**
   * Makes `type` known to mount(2). Who may mount it: CAP_SYS_ADMIN over what `ownerOf` says (mount_capable();
   * the initial user namespace without FS_USERNS_MOUNT).
   */
  registerFilesystem(type: string, factory: FilesystemFactory, ownerOf: (task: Task) => UserNamespace = initialUserNamespace): void {
    this.#types.set(type, { factory, nodev: true, ownerOf });
  }

  /** mount_capable() */
  mayMakeFilesystem(task: Task, type: string): boolean {
    const known = this.#types.get(type);
    return known !== undefined && task.creds.hasIn(known.ownerOf(task), CAP_SYS_ADMIN);
  }

  /** A filesystem for mount(2) and fsconfig(2). */
  makeFilesystem(task: Task, type: string, source: string, data: string): Filesystem | Errno {
    const known = this.#types.get(type);
    if (known === undefined) return ENODEV;
    const owner = known.ownerOf(task);
    if (!task.creds.hasIn(owner, CAP_SYS_ADMIN)) return EPERM;
    const fs = known.factory(task, source, data);
    if (isErrno(fs)) return fs;
    if (fs.mounts === 0) fs.owner = owner;
    return fs;
  }

  /** The lines of /proc/filesystems. */
  filesystems(): { type: string; nodev: boolean }[] {
    return [...this.#types].map(([type, { nodev }]) => ({ type, nodev }));
  }

  filesystemType(type: string): FilesystemFactory | null {
    return this.#types.get(type)?.factory ?? null;
  }

  /** The place `path` names from `dirfd` (AT_FDCWD or an fd) on; `flags`: WALK_*; `resolve`: RESOLVE_* of openat2(2). */
  walk(task: Task, dirfd: number, path: string, flags: number, resolve = 0): Path | Errno {
    const walker = this.#walker;
    const error = walker.walk(task, dirfd, path, flags, resolve);
    return error < 0 ? (error as Errno) : { mount: walker.mount, dentry: walker.dentry };
  }

  /** `path` from the working directory, links followed. */
  follow(task: Task, path: string): Path | Errno {
    return this.walk(task, AT_FDCWD, path, WALK_FOLLOW);
  }

  /** The directory that holds (or will hold) the last component. */
  walkParent(task: Task, dirfd: number, path: string): ParentPath | Errno {
    const walker = this.#walker;
    const error = walker.walk(task, dirfd, path, WALK_PARENT, 0);
    if (error < 0) return error as Errno;
    return { parent: walker.path, name: walker.last, kind: walker.lastKind, hasSlash: walker.hasSlash };
  }

  /** `name` in directory `parent`, following mounts but not links; no permission check. */
  child(task: Task | null, parent: Path, name: string): Path | Errno {
    const found = lookupDentry(parent.dentry, name, task);
    return isErrno(found) ? found : overmounted(parent.mount, found);
  }

  /** open(2): `flags` O_*, `mode` before the umask. A FIFO comes back open: open(2) then waits while `file.opening` is EAGAIN. */
  openAt(task: Task, dirfd: number, path: string, flags: number, mode: number, resolve = 0): OpenFile | Errno {
    return openAt(task, dirfd, path, flags, mode, resolve);
  }

  /** Opens what a walk found; permission is checked (exec, /proc/self/fd). */
  openPath(task: Task, path: Path, flags: number): OpenFile | Errno {
    return openPath(task, path, flags);
  }

  /** mknod(2), and bind(2) of a unix socket: `mode` has the type; the umask is applied here. EEXIST when the name is taken. */
  makeNode(task: Task, dirfd: number, path: string, mode: number, rdev: number): Path | Errno {
    return makeNode(task, dirfd, path, mode, rdev);
  }

  /** d_path(): the name as seen from `root`; " (deleted)" behind removed ones. */
  pathName(path: Path, root?: Path): string {
    return pathName(path, root ?? null);
  }

  /** A mount of `fs` in no tree yet. */
  newMount(fs: Filesystem, source: string, flags = MS_RELATIME): Mount {
    return new Mount(fs, rootDentry(fs), flags, source);
  }

  /** The first namespace: `fs` mounted at "/". */
  createNamespace(fs: Filesystem, source: string, flags = MS_RELATIME): MountNamespace {
    return new MountNamespace(this.newMount(fs, source, flags));
  }

  /** Mounts `fs` on the absolute path `at` inside the kernel (start-up): no links are followed, missing directories are not made. */
  mountAt(namespace: MountNamespace, at: string, fs: Filesystem, source: string, flags = MS_RELATIME): Mount | Errno {
    let place = overmounted(namespace.root, namespace.root.root);
    for (const name of at.split("/")) {
      if (name === "" || name === ".") continue;
      const next = this.child(null, place, name);
      if (isErrno(next)) return next;
      place = next;
    }
    const placed = this.newMount(fs, source, flags);
    namespace.attach(placed, place.mount, place.dentry);
    return placed;
  }

  /** mount(2). Absent strings are empty. */
  mount(task: Task, source: string, target: Path, type: string, flags: number, data: string): number {
    return mount(task, this, source, target, type, flags, data);
  }

  /** umount2(2). */
  umount(task: Task, target: Path, flags: number): number {
    return umount(task, target, flags);
  }

  /** pivot_root(2). */
  pivotRoot(task: Task, newRoot: Path, putOld: Path): number {
    return pivotRoot(task, newRoot, putOld);
  }

  /** What `task` sees in /proc/mounts, in mount order. */
  mounts(task: Task): MountEntry[] {
    return mountEntries(task);
  }
}
