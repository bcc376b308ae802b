/** Mounting and unmounting where others hear of it (propagate_mnt() and propagate_umount() of fs/pnode.c). */
import { MS_SHARED } from "../../syscall-tables/flags/mount.ts";
import { ENOSPC } from "../abi/errno.ts";
import type { UserNamespace } from "../task/user-namespace.ts";
import { lockTree } from "./locked-mounts.ts";
import type { Mount } from "./mount.ts";
import type { MountNamespace } from "./mount-namespace.ts";
import { copyTree, displace, isBelow, place, releaseTree, treeOf } from "./mount-tree.ts";
import type { Dentry, Path } from "./path.ts";
import { type Kinship, masterOf, type PeerGroup, setPropagation } from "./peer-group.ts";
import { isReachable } from "./tree.ts";

/** /proc/sys/fs/mount-max: shared trees that are bound into each other grow without end. */
export const MOUNT_MAX = 100_000;

/** One mount that hears of a mount on a peer: `from` is the index of the receiver whose copy its own is made of; -1: the original. */
interface Receiver {
  readonly mount: Mount;
  readonly from: number;
  readonly kinship: Kinship;
}

/** Who hears of `dest`, group after group, of those that `listens` takes. */
const receiversOf = (dest: Mount, mountpoint: Dentry, listens?: (mount: Mount) => boolean): Receiver[] => {
  const receivers: Receiver[] = [];
  const add = (mount: Mount, from: number, kinship: Kinship): boolean => {
    if (mount === dest || !isBelow(mountpoint, mount.root) || listens?.(mount) === false) return false;
    receivers.push({ mount, from, kinship });
    return true;
  };
  const pending: { group: PeerGroup; from: number }[] = [];
  if (dest.group !== null) {
    for (const peer of dest.group.members) add(peer, -1, "peer");
    pending.push({ group: dest.group, from: -1 });
  }
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { from } = next;
    const seen = new Set<PeerGroup>();
    for (const { group } of next.group.slaves) {
      if (group === null || seen.has(group)) continue;
      seen.add(group);
      let source = from;
      let kinship: Kinship = "shared-slave";
      for (const member of group.members) {
        if (!add(member, source, kinship) || kinship === "peer") continue;
        source = receivers.length - 1;
        kinship = "peer";
      }
      pending.push({ group, from: source });
    }
    for (const slave of next.group.slaves) if (slave.group === null) add(slave, from, "slave");
  }
  return receivers;
};

/** What propagation would put a copy of `mount` on, `dest` being shared (propagation_would_overmount()). */
export const wouldOvermount = (dest: Mount, mount: Mount, mountpoint: Dentry): boolean =>
  mount.root === mountpoint && receiversOf(dest, mountpoint).some((receiver) => receiver.mount === mount);

/** count_mounts(): is there room for a tree of `size` in every namespace that gets one? */
const hasRoom = (size: number, own: MountNamespace | null, receivers: readonly Receiver[]): boolean => {
  const added = new Map<MountNamespace, number>();
  if (own !== null) added.set(own, size);
  for (const { mount } of receivers) if (mount.namespace !== null) added.set(mount.namespace, (added.get(mount.namespace) ?? 0) + size);
  for (const [namespace, more] of added) if (namespace.mounts.size + more > MOUNT_MAX) return false;
  return true;
};

/** Puts `tree` on (`parent`, `mountpoint`); what is there already lies on top of it, where that is asked for. */
const settle = (tree: Mount, parent: Mount, mountpoint: Dentry): void => {
  const over = parent.children.get(mountpoint);
  if (over !== undefined) {
    displace(over);
    place(over, tree, tree.root);
  }
  place(tree, parent, mountpoint);
  parent.namespace?.adopt(tree);
};

/**
 * attach_recursive_mnt(): mounts `tree`, which is nowhere, on (`parent`, `mountpoint`), and copies of it wherever a
 * mount hears of `parent`. `isMoved`: it was in the namespace and counts no more.
 */
export const attachTree = (tree: Mount, parent: Mount, mountpoint: Dentry, owner: UserNamespace | null, isMoved = false): number => {
  const mounts = treeOf(tree);
  // What is in no namespace, as a tree that is new, gets nothing (IS_MNT_NEW).
  const moved = isMoved ? new Set(mounts) : null;
  const listens = (mount: Mount): boolean => mount.namespace !== null || moved?.has(mount) === true;
  const receivers = parent.group === null ? [] : receiversOf(parent, mountpoint, listens);
  if (!hasRoom(mounts.length, isMoved ? null : parent.namespace, receivers)) return ENOSPC;
  if (parent.group !== null) {
    for (const mount of mounts) setPropagation(mount, MS_SHARED);
  }
  const copies: Mount[] = [];
  for (const { from, kinship } of receivers) copies.push(copyTree(from < 0 ? tree : copies[from], { kinship, takesUnbindable: true }));
  settle(tree, parent, mountpoint);
  receivers.forEach(({ mount }, index) => {
    const copy = copies[index];
    // What comes from a namespace of more privilege is not taken apart.
    if (owner !== null && mount.namespace !== null && mount.namespace.owner !== owner) lockTree(copy);
    copy.isLocked = false;
    settle(copy, mount, mountpoint);
  });
  return 0;
};

/** What hears of `mount`'s parent has at the same place. */
const twinsOf = (mount: Mount): Mount[] => {
  const { parent, mountpoint } = mount;
  if (parent === null || mountpoint === null || parent.group === null) return [];
  const twins: Mount[] = [];
  for (const receiver of receiversOf(parent, mountpoint)) {
    const twin = receiver.mount.children.get(mountpoint);
    if (twin !== undefined) twins.push(twin);
  }
  return twins;
};

/** propagate_mount_busy(): may `mount`, and with it all that was propagated from it, be unmounted? */
export const isBusy = (mount: Mount): boolean => {
  if (mount.children.size > 0 || mount.pins > 0) return true;
  return twinsOf(mount).some((twin) => {
    const hasOnlyTopper = twin.children.size === 1 && twin.children.has(twin.root);
    return (twin.children.size === 0 || hasOnlyTopper) && twin.pins > 0;
  });
};

/** What of the twins goes: none whose own mounts stay (except one on its root, which sinks), and none that is locked on what stays. */
const goingWith = (tree: ReadonlySet<Mount>): Set<Mount> => {
  const going = new Set<Mount>();
  for (const mount of tree) for (const twin of twinsOf(mount)) if (!tree.has(twin)) going.add(twin);
  const isGone = (mount: Mount | null): boolean => mount !== null && (tree.has(mount) || going.has(mount));
  const pending = [...going].flatMap((mount) => {
    const stays = [...mount.children.values()].filter((child) => !isGone(child));
    return mount.isLocked && !isGone(mount.parent) ? [mount, ...stays] : stays;
  });
  // Each of `pending` stays: so do those below it whose place it is, and what is locked on it.
  const visited = new Set<Mount>();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (going.delete(next)) for (const child of next.children.values()) if (child.isLocked && going.has(child)) pending.push(child);
    for (let at = next; at.parent !== null && going.has(at.parent) && !visited.has(at); at = at.parent) {
      visited.add(at);
      if (at.mountpoint === at.parent.root) continue;
      pending.push(at.parent);
      break;
    }
  }
  return going;
};

/** umount_tree() with UMOUNT_PROPAGATE */
export const unmountTree = (top: Mount): void => {
  // The privilege that unmounts it here unmounts it there (propagate_mount_unlock()).
  for (const twin of twinsOf(top)) twin.isLocked = false;
  const tree = new Set(treeOf(top));
  const going = goingWith(tree);
  // What lay on the root of a twin sinks to the first place below that stays.
  const sinking = [...going].flatMap((mount) => [...mount.children.values()].filter((child) => !going.has(child) && !tree.has(child)));
  const places = sinking.map((mount) => {
    let { parent, mountpoint } = mount;
    while (parent !== null && going.has(parent)) ({ parent, mountpoint } = parent);
    return { mount, parent, mountpoint };
  });
  for (const mount of sinking) displace(mount);
  for (const mount of going) releaseTree(mount);
  for (const { mount, parent, mountpoint } of places) if (parent !== null && mountpoint !== null) place(mount, parent, mountpoint);
  releaseTree(top);
};

/** get_dominating_id(): the nearest group that `mount` hears of and that has a member to be seen below `root`. */
export const dominatingGroup = (mount: Mount, root: Path): PeerGroup | null => {
  for (let group = mount.master; group !== null; group = masterOf(group)) {
    for (const member of group.members) {
      if (member.namespace === mount.namespace && isReachable({ mount: member, dentry: member.root }, root)) return group;
    }
  }
  return null;
};
