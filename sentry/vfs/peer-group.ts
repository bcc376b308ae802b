/** Who hears of a mount's changes (mount_namespaces(7), "Shared subtrees"; the types and lists of fs/pnode.c). */
import { MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from "../../syscall-tables/flags/mount.ts";
import type { Mount } from "./mount.ts";

const usedIds = new Set<number>();
let lowestFree = 1;

/** Linux gives the lowest free number (mnt_group_ida). */
const takeId = (): number => {
  while (usedIds.has(lowestFree)) lowestFree++;
  usedIds.add(lowestFree);
  return lowestFree;
};

export class PeerGroup {
  /** The N of "shared:N" and "master:N". */
  readonly id = takeId();
  /** They tell each other. One group has one master: all members were made from one mount. */
  readonly members = new Set<Mount>();
  /** They hear of it and tell nothing back; each may be shared with others of its own. */
  readonly slaves = new Set<Mount>();

  /** Nobody is told by it any more; on the host's side (enslave) it never had members. */
  freeWhenUnused(): void {
    if (this.members.size > 0 || this.slaves.size > 0) return;
    usedIds.delete(this.id);
    lowestFree = Math.min(lowestFree, this.id);
  }
}

const setMaster = (mount: Mount, master: PeerGroup | null): void => {
  const old = mount.master;
  if (old === master) return;
  mount.master = master;
  master?.slaves.add(mount);
  old?.slaves.delete(mount);
  old?.freeWhenUnused();
};

const join = (mount: Mount, group: PeerGroup): void => {
  mount.isUnbindable = false;
  mount.group = group;
  group.members.add(mount);
};

/** It tells nobody any more; the group that it leaves, or, when it was the last of it, whom that group heard. */
const leave = (mount: Mount): PeerGroup | null => {
  const { group, master } = mount;
  if (group === null) return master;
  mount.group = null;
  group.members.delete(mount);
  if (group.members.size > 0) return group;
  for (const slave of [...group.slaves]) setMaster(slave, master);
  group.freeWhenUnused();
  return master;
};

/** change_mnt_propagation() */
export const setPropagation = (mount: Mount, type: number): void => {
  if (type === MS_SHARED) {
    if (mount.group === null) join(mount, new PeerGroup());
    return;
  }
  const source = leave(mount);
  setMaster(mount, type === MS_SLAVE ? source : null);
  if (type !== MS_SLAVE) mount.isUnbindable = type === MS_UNBINDABLE;
};

/** How a copy stands to the mount that it is made of (CL_* of clone_mnt()). */
export type Kinship =
  /** What bind does: a peer of a shared mount, a fellow slave of a slave. */
  | "peer"
  /** Propagation across: it hears of the original. */
  | "slave"
  /** The same, and a group of its own begins with it. */
  | "shared-slave"
  /** A namespace under another user namespace: what was shared is heard of only. */
  | "guest";

export const relate = (copy: Mount, original: Mount, kinship: Kinship): void => {
  const { group, master } = original;
  if (kinship === "slave" || kinship === "shared-slave" || (kinship === "guest" && group !== null)) {
    setMaster(copy, group ?? master);
    if (kinship === "shared-slave") join(copy, new PeerGroup());
    return;
  }
  setMaster(copy, master);
  if (group !== null) join(copy, group);
};

/** Whom all of a group hear of. */
export const masterOf = (group: PeerGroup): PeerGroup | null => {
  for (const member of group.members) return member.master;
  return null;
};

/** MOVE_MOUNT_SET_GROUP (do_set_group()) */
export const copySharing = (to: Mount, from: Mount): void => {
  setMaster(to, from.master);
  if (from.group !== null) join(to, from.group);
};

/** `mount` hears of mounts of a group outside. */
export const enslave = (mount: Mount): void => setMaster(mount, new PeerGroup());
