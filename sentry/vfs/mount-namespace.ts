/** A mount namespace (mount_namespaces(7)): a tree of mounts. */
import { initialUserNamespace, type UserNamespace } from "../task/user-namespace.ts";
import { Mount } from "./mount.ts";
import type { Dentry } from "./path.ts";

let lastId = 0xf000_0000;

export class MountNamespace {
  /** The inode number of /proc/pid/ns/mnt. */
  readonly id = lastId++;
  root: Mount;
  /** Whose CAP_SYS_ADMIN may change it. */
  owner: UserNamespace = initialUserNamespace();
  /** In mount order, as /proc/mounts lists them. */
  readonly mounts = new Set<Mount>();

  /** A file stands for it (/proc/PID/ns/mnt was followed): it may be entered again. */
  isKept = false;
  #users = 0;

  constructor(root: Mount) {
    this.root = root;
    this.mounts.add(root);
    root.namespace = this;
  }

  /** Places `mount` on (`parent`, `mountpoint`). */
  attach(mount: Mount, parent: Mount, mountpoint: Dentry): void {
    place(mount, parent, mountpoint);
    this.adopt(mount);
  }

  /** A context of tasks lies in it. */
  take(): this {
    this.#users++;
    return this;
  }

  /** put_mnt_ns(): when nobody is left and nobody can come, its mounts end. */
  put(): void {
    if (--this.#users > 0 || this.isKept) return;
    this.forget(this.root);
    releaseTree(this.root);
  }

  /** `mount` and everything below it belong to this namespace now. */
  adopt(mount: Mount): void {
    mount.namespace = this;
    mount.revive();
    this.mounts.add(mount);
    for (const child of mount.children.values()) this.adopt(child);
  }

  /** Takes `mount` off its place; its own children stay on it. */
  detach(mount: Mount): void {
    if (mount.mountpoint !== null && mount.parent !== null) mount.parent.children.delete(mount.mountpoint);
    displace(mount);
    this.forget(mount);
  }

  /** `mount` and everything below it belong to no namespace now. */
  forget(mount: Mount): void {
    mount.namespace = null;
    this.mounts.delete(mount);
    for (const child of mount.children.values()) this.forget(child);
  }

  /** CLONE_NEWNS: a copy of the whole tree. `translate` collects old mount → new mount. */
  fork(translate: Map<Mount, Mount>): MountNamespace {
    const root = copyTree(this.root, true, translate);
    const copy = new MountNamespace(root);
    copy.adopt(root);
    copy.owner = this.owner;
    return copy;
  }
}

/** What is mounted on each mount point, in all namespaces. */
const mountsByPoint = new Map<Dentry, Set<Mount>>();

const place = (mount: Mount, parent: Mount, mountpoint: Dentry): void => {
  mount.parent = parent;
  mount.mountpoint = mountpoint;
  parent.children.set(mountpoint, mount);
  mountpoint.mounts++;
  mountpoint.pins++;
  const known = mountsByPoint.get(mountpoint);
  if (known === undefined) mountsByPoint.set(mountpoint, new Set([mount]));
  else known.add(mount);
};

const displace = (mount: Mount): void => {
  const { mountpoint } = mount;
  mount.parent = null;
  mount.mountpoint = null;
  if (mountpoint === null) return;
  mountpoint.mounts--;
  mountpoint.pins--;
  const known = mountsByPoint.get(mountpoint);
  known?.delete(mount);
  if (known?.size === 0) mountsByPoint.delete(mountpoint);
};

/** Ends a tree of mounts that is in no namespace any more. */
export const releaseTree = (mount: Mount): void => {
  for (const child of mount.children.values()) {
    displace(child);
    releaseTree(child);
  }
  mount.children.clear();
  mount.release();
};

/** is_local_mountpoint(): is something mounted there that `namespace` sees? */
export const isMountpointOf = (namespace: MountNamespace, dentry: Dentry): boolean => {
  if (dentry.mounts === 0) return false;
  for (const mount of mountsByPoint.get(dentry) ?? []) if (mount.namespace === namespace) return true;
  return false;
};

/** detach_mounts(): the name is gone, and with it what other namespaces have mounted there. */
export const detachMounts = (dentry: Dentry): void => {
  if (dentry.mounts === 0) return;
  for (const mount of [...(mountsByPoint.get(dentry) ?? [])]) {
    mount.parent?.children.delete(dentry);
    displace(mount);
    mount.namespace?.forget(mount);
    releaseTree(mount);
  }
};

/** A copy of `mount` and, when `recursive`, of what is mounted below it (copy_tree of fs/namespace.c). */
export const copyTree = (mount: Mount, recursive: boolean, translate: Map<Mount, Mount>, root: Dentry = mount.root): Mount => {
  const copy = new Mount(mount.fs, root, mount.flags, mount.source);
  copy.propagation = mount.propagation;
  copy.group = mount.group;
  copy.master = mount.master;
  copy.isLocked = mount.isLocked;
  copy.lockedFlags = mount.lockedFlags;
  copy.isAtimeLocked = mount.isAtimeLocked;
  translate.set(mount, copy);
  if (!recursive) return copy;
  for (const [dentry, child] of mount.children) {
    if (root !== mount.root && !isBelow(dentry, root)) continue;
    const childCopy = copyTree(child, true, translate);
    place(childCopy, copy, dentry);
  }
  return copy;
};

/** True when `dentry` is `ancestor` or lies below it, within one filesystem. */
export const isBelow = (dentry: Dentry, ancestor: Dentry): boolean => {
  for (let at: Dentry | null = dentry; at !== null; at = at.parent) if (at === ancestor) return true;
  return false;
};
