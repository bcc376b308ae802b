/**
 * Path resolution (path_resolution(7), fs/namei.c). The walk goes over the string by
 * index; a symbolic link's target takes the place of what was walked so far.
 */

import { MS_NOSYMFOLLOW } from "../../syscall-tables/flags/mount.ts";
import {
  AT_FDCWD,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
} from "../../syscall-tables/flags/open.ts";
import { EBADF, ELOOP, ENOENT, ENOTDIR, EXDEV, isErrno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import { touchAtime } from "./atime.ts";
import { lookupDentry } from "./dentry-cache.ts";

import { mayFollow } from "./link-protection.ts";
import { Mount } from "./mount.ts";
import { Dentry, type Path } from "./path.ts";
import { MAY_EXEC, mayAccess } from "./permission.ts";

/** Walk flags. Without WALK_FOLLOW a symbolic link at the end is not followed. */
export const WALK_FOLLOW = 0x1;
/** ENOTDIR unless it ends at a directory. */
export const WALK_DIRECTORY = 0x2;
/** AT_EMPTY_PATH: "" is `dirfd` itself. */
export const WALK_EMPTY = 0x4;
/** Stop at the directory that holds the last component. */
export const WALK_PARENT = 0x8;

const MAX_LINKS = 40;
const SLASH = 47;
const DOT = 46;

export type LastKind = "name" | "." | ".." | "/";

/** The mount shown for files of filesystems that are mounted nowhere (pipefs, sockfs). */
const internalMounts = new WeakMap<object, Mount>();
export const anonymousPath = (file: { inode: Dentry["inode"]; anonymousName: string }): Path => {
  const dentry = new Dentry(file.anonymousName, null, file.inode);
  let mount = internalMounts.get(file.inode.fs);
  if (mount === undefined) {
    mount = new Mount(file.inode.fs, dentry, 0, "none");
    internalMounts.set(file.inode.fs, mount);
  }
  return { mount, dentry };
};

export class Walker {
  /** Where the walk ended, valid when `walk` returned 0. */
  mount!: Mount;
  dentry!: Dentry;
  /** WALK_PARENT: the component that was left. */
  last = "";
  lastKind: LastKind = "name";
  /** WALK_PARENT: slashes followed it. */
  hasSlash = false;
  /** Links followed so far, for a walk that goes on (open with O_CREAT). */
  links = 0;

  get path(): Path {
    return { mount: this.mount, dentry: this.dentry };
  }

  /** 0 with the place in `mount` and `dentry`, or an errno. */
  walk(task: Task, dirfd: number, path: string, flags: number, resolve: number): number {
    this.links = 0;
    let rootMount: Mount;
    let rootDentry: Dentry;
    const isScoped = (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) !== 0;
    if (path.length === 0) {
      if ((flags & WALK_EMPTY) === 0) return ENOENT;
    } else if (path.charCodeAt(0) === SLASH && !isScoped) {
      const { root } = task.fs;
      return this.#run(task, root.mount, root.dentry, root.mount, root.dentry, path, flags, resolve);
    }
    if (dirfd === AT_FDCWD) {
      const { cwd } = task.fs;
      rootMount = cwd.mount;
      rootDentry = cwd.dentry;
    } else {
      const file = task.files.get(dirfd);
      if (file === null) return EBADF;
      const place = file.path ?? (path.length === 0 ? anonymousPath(file) : null);
      if (place === null) return ENOTDIR;
      rootMount = place.mount;
      rootDentry = place.dentry;
    }
    if (path.length === 0) {
      this.mount = rootMount;
      this.dentry = rootDentry;
      this.lastKind = ".";
      return (flags & WALK_DIRECTORY) !== 0 && !rootDentry.inode.isDirectory ? ENOTDIR : 0;
    }
    if (!isScoped) {
      const { root } = task.fs;
      return this.#run(task, root.mount, root.dentry, rootMount, rootDentry, path, flags, resolve);
    }
    if (path.charCodeAt(0) === SLASH && (resolve & RESOLVE_BENEATH) !== 0) return EXDEV;
    return this.#run(task, rootMount, rootDentry, rootMount, rootDentry, path, flags, resolve);
  }

  /** Goes on from `from` with a link's target; open(2) with O_CREAT looks at the last component itself. */
  resume(task: Task, from: Path, target: string, flags: number, resolve: number, scope: Path | null): number {
    const root = scope ?? task.fs.root;
    let start = from;
    if (target.charCodeAt(0) === SLASH) {
      if ((resolve & RESOLVE_BENEATH) !== 0) return EXDEV;
      if ((resolve & RESOLVE_NO_XDEV) !== 0 && root.mount !== from.mount) return EXDEV;
      start = root;
    }
    return this.#run(task, root.mount, root.dentry, start.mount, start.dentry, target, flags, resolve);
  }

  #run(
    task: Task,
    rootMount: Mount,
    rootDentry: Dentry,
    startMount: Mount,
    startDentry: Dentry,
    wholePath: string,
    flags: number,
    resolve: number,
  ): number {
    let path = wholePath;
    let mount = startMount;
    let dentry = startDentry;
    let at = 0;
    let length = path.length;
    while (at < length && path.charCodeAt(at) === SLASH) at++;
    for (;;) {
      if (at >= length) {
        // Only slashes were left.
        this.mount = mount;
        this.dentry = dentry;
        this.last = "";
        this.lastKind = "/";
        this.hasSlash = true;
        return dentry.inode.isDirectory ? 0 : ENOTDIR;
      }
      const dir = dentry.inode;
      if ((dir.mode & S_IFMT) !== S_IFDIR) return ENOTDIR;
      if ((dir.mode & 0o111) !== 0o111) {
        const error = mayAccess(dir, task.creds, MAY_EXEC);
        if (error < 0) return error;
      }
      let end = path.indexOf("/", at);
      if (end < 0) end = length;
      let next = end;
      while (next < length && path.charCodeAt(next) === SLASH) next++;
      const isLast = next >= length;
      const nameLength = end - at;
      const isDot = path.charCodeAt(at) === DOT && nameLength === 1;
      const isDotDot = nameLength === 2 && path.charCodeAt(at) === DOT && path.charCodeAt(at + 1) === DOT;
      if (isLast && (flags & WALK_PARENT) !== 0) {
        this.mount = mount;
        this.dentry = dentry;
        this.last = path.slice(at, end);
        this.lastKind = isDot ? "." : isDotDot ? ".." : "name";
        this.hasSlash = end < length;
        return 0;
      }
      if (isDotDot) {
        const error = this.#up(mount, dentry, rootMount, rootDentry, resolve);
        if (error < 0) return error;
        mount = this.mount;
        dentry = this.dentry;
      } else if (!isDot) {
        const name = path.slice(at, end);
        if (!isLast && (dir.fs.isVolatile || dentry.children === null || dentry.children.get(name) === undefined)) dir.lookAhead(path, at);
        const child = lookupDentry(dentry, name, task);
        if (isErrno(child)) return child;
        let childMount = mount;
        let found = child;
        while (found.mounts !== 0) {
          const over = childMount.children.get(found);
          if (over === undefined) break;
          if ((resolve & RESOLVE_NO_XDEV) !== 0) return EXDEV;
          childMount = over;
          found = over.root;
        }
        const inode = found.inode;
        if ((inode.mode & S_IFMT) === S_IFLNK && (!isLast || end < length || (flags & WALK_FOLLOW) !== 0)) {
          const refused = mayFollow(inode, dir, task.creds);
          if (refused < 0) return refused;
          const jump = this.#link(task, childMount, found, resolve);
          if (typeof jump === "number") return jump;
          if (typeof jump === "string") {
            path = isLast ? (end < length ? `${jump}/` : jump) : `${jump}/${path.slice(next)}`;
            length = path.length;
            at = 0;
            if (path.charCodeAt(0) === SLASH) {
              if ((resolve & RESOLVE_BENEATH) !== 0) return EXDEV;
              // A relative walk has not looked at the root yet, so that any absolute link counts as leaving (nd_jump_root).
              const isRelative = wholePath.charCodeAt(0) !== SLASH && (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) === 0;
              if ((resolve & RESOLVE_NO_XDEV) !== 0 && (isRelative || rootMount !== mount)) return EXDEV;
              mount = rootMount;
              dentry = rootDentry;
              while (at < length && path.charCodeAt(at) === SLASH) at++;
            }
            continue;
          }
          if ((resolve & RESOLVE_NO_XDEV) !== 0 && jump.mount !== mount) return EXDEV;
          mount = jump.mount;
          dentry = jump.dentry;
        } else {
          mount = childMount;
          dentry = found;
        }
      }
      if (isLast) {
        if ((end < length || (flags & WALK_DIRECTORY) !== 0) && !dentry.inode.isDirectory) return ENOTDIR;
        this.mount = mount;
        this.dentry = dentry;
        this.lastKind = "name";
        return 0;
      }
      at = next;
    }
  }

  /** ".." (follow_dotdot): stays at the root, climbs out of mounts. The place is left in `mount` and `dentry`. */
  #up(fromMount: Mount, fromDentry: Dentry, rootMount: Mount, rootDentry: Dentry, resolve: number): number {
    let mount = fromMount;
    let dentry = fromDentry;
    for (;;) {
      if (mount === rootMount && dentry === rootDentry) {
        if ((resolve & RESOLVE_BENEATH) !== 0) return EXDEV;
        break;
      }
      if (dentry !== mount.root) {
        dentry = dentry.parent ?? dentry;
        break;
      }
      if (mount.parent === null || mount.mountpoint === null) break;
      if ((resolve & RESOLVE_NO_XDEV) !== 0) return EXDEV;
      dentry = mount.mountpoint;
      mount = mount.parent;
    }
    while (dentry.mounts !== 0) {
      const over = mount.children.get(dentry);
      if (over === undefined) break;
      mount = over;
      dentry = over.root;
    }
    this.mount = mount;
    this.dentry = dentry;
    return 0;
  }

  /** What a symbolic link stands for: its target, a place (magic links), or an errno. */
  #link(task: Task, mount: Mount, dentry: Dentry, resolve: number): string | Path | number {
    if (++this.links > MAX_LINKS) return ELOOP;
    if ((resolve & RESOLVE_NO_SYMLINKS) !== 0 || (mount.flags & MS_NOSYMFOLLOW) !== 0) return ELOOP;
    return this.readLink(task, mount, dentry, resolve);
  }

  readLink(task: Task, mount: Mount, dentry: Dentry, resolve: number): string | Path | number {
    const { inode } = dentry;
    touchAtime(inode, mount, task);
    const place = inode.followMagic(task);
    if (place !== null) {
      if (isErrno(place)) return place;
      if ((resolve & RESOLVE_NO_MAGICLINKS) !== 0) return ELOOP;
      if ((resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) !== 0) return EXDEV;
      return place;
    }
    const target = inode.readlink(task);
    return target === "" ? ENOENT : target;
  }

  /** One more link at the end of an O_CREAT walk. */
  followLast(task: Task, mount: Mount, dentry: Dentry, resolve: number): string | Path | number {
    return this.#link(task, mount, dentry, resolve);
  }
}
