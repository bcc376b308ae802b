/** Trees of mounts, whether they are in a namespace or not (fs/namespace.c). */
import { MS_PRIVATE } from "../../syscall-tables/flags/mount.ts";
import { Mount } from "./mount.ts";
import type { MountNamespace } from "./mount-namespace.ts";
import type { Dentry } from "./path.ts";
import { type Kinship, relate, setPropagation } from "./peer-group.ts";

/** What is mounted on each mount point, in all namespaces. */
const mountsByPoint = new Map<Dentry, Set<Mount>>();

/** `mount` and all that is mounted below it, parents first. A stack of mounts may be deep: no recursion. */
export const treeOf = (mount: Mount): Mount[] => {
  const tree = [mount];
  for (let index = 0; index < tree.length; index++) for (const child of tree[index].children.values()) tree.push(child);
  return tree;
};

export const place = (mount: Mount, parent: Mount, mountpoint: Dentry): void => {
  mount.parent = parent;
  mount.mountpoint = mountpoint;
  parent.children.set(mountpoint, mount);
  mountpoint.mounts++;
  mountpoint.pins++;
  const known = mountsByPoint.get(mountpoint);
  if (known === undefined) mountsByPoint.set(mountpoint, new Set([mount]));
  else known.add(mount);
};

/** Takes `mount` off its place; its own children stay on it. */
export const displace = (mount: Mount): void => {
  const { mountpoint, parent } = mount;
  mount.parent = null;
  mount.mountpoint = null;
  if (mountpoint === null) return;
  if (parent?.children.get(mountpoint) === mount) parent.children.delete(mountpoint);
  mountpoint.mounts--;
  mountpoint.pins--;
  const known = mountsByPoint.get(mountpoint);
  known?.delete(mount);
  if (known?.size === 0) mountsByPoint.delete(mountpoint);
};

/** Ends a tree of mounts: each stands alone and goes with its last holder (umount_tree() without propagation). */
export const releaseTree = (top: Mount): void => {
  for (const mount of treeOf(top)) {
    displace(mount);
    mount.namespace?.mounts.delete(mount);
    mount.namespace = null;
    setPropagation(mount, MS_PRIVATE);
    mount.release();
  }
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
  for (const mount of [...(mountsByPoint.get(dentry) ?? [])]) releaseTree(mount);
};

/** True when `dentry` is `ancestor` or lies below it, within one filesystem. */
export const isBelow = (dentry: Dentry, ancestor: Dentry): boolean => {
  for (let at: Dentry | null = dentry; at !== null; at = at.parent) if (at === ancestor) return true;
  return false;
};

const copyOf = (mount: Mount, root: Dentry, kinship: Kinship): Mount => {
  const copy = new Mount(mount.fs, root, mount.flags, mount.source);
  copy.isLocked = mount.isLocked;
  copy.lockedFlags = mount.lockedFlags;
  copy.isAtimeLocked = mount.isAtimeLocked;
  relate(copy, mount, kinship);
  return copy;
};

/** clone_mnt(): a copy of `mount` alone that shows what is at `root`. */
export const copyMount = (mount: Mount, root: Dentry): Mount => copyOf(mount, root, "peer");

/** Is what a bind must leave out locked, so that leaving it out would show what it hides? */
export const hasLockedUnbindable = (top: Mount, root: Dentry): boolean =>
  treeOf(top).some((mount) => mount !== top && mount.isUnbindable && mount.isLocked && isUnder(mount, top, root));

/** Does `mount` of the tree `top` lie on or below `root`, which is a dentry of `top`'s? */
const isUnder = (mount: Mount, top: Mount, root: Dentry): boolean => {
  let at = mount;
  while (at.parent !== null && at.parent !== top) at = at.parent;
  return at.mountpoint !== null && isBelow(at.mountpoint, root);
};

interface CopyPlan {
  readonly root?: Dentry;
  readonly kinship?: Kinship;
  /** CL_COPY_UNBINDABLE: a namespace has them, a bind has not. */
  readonly takesUnbindable?: boolean;
  /** Collects original → copy; empty at first. */
  readonly copies?: Map<Mount, Mount>;
}

/** copy_tree(): a copy of `top` and of what is mounted below it, on or below `root`. */
export const copyTree = (top: Mount, plan: CopyPlan = {}): Mount => {
  const { root = top.root, kinship = "peer", takesUnbindable = false, copies = new Map<Mount, Mount>() } = plan;
  const copy = copyOf(top, root, kinship);
  copies.set(top, copy);
  for (const mount of treeOf(top)) {
    const { parent, mountpoint } = mount;
    if (mount === top || parent === null || mountpoint === null) continue;
    const onto = copies.get(parent);
    if (onto === undefined || (mount.isUnbindable && !takesUnbindable)) continue;
    if (parent === top && root !== top.root && !isBelow(mountpoint, root)) continue;
    const child = copyOf(mount, mount.root, kinship);
    copies.set(mount, child);
    place(child, onto, mountpoint);
  }
  return copy;
};
