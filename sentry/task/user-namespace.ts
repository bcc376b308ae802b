/**
 * User namespaces (user_namespaces(7)). Ids inside the kernel are those of the root
 * namespace ("kuid"); a namespace maps what its members see to them.
 */
import { OVERFLOW_ID } from "../../syscall-tables/limits.ts";

/** One line of uid_map: `count` ids from `inside` on are `outside…` of the root namespace. */
export interface IdExtent {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}
/** (uid_t)-1, never a valid id. */
export const INVALID_ID = 0xffff_ffff;

const IDENTITY: readonly IdExtent[] = [{ inside: 0, outside: 0, count: INVALID_ID }];

/** user_namespaces(7): at most 32 levels. */
export const MAX_USER_NAMESPACE_LEVEL = 32;

export class UserNamespace {
  readonly parent: UserNamespace | null;
  readonly level: number;
  /** The creator's effective ids (root namespace). */
  readonly ownerUid: number;
  readonly ownerGid: number;
  uidMap: readonly IdExtent[];
  gidMap: readonly IdExtent[];
  /** /proc/pid/setgroups */
  isSetgroupsAllowed = true;

  constructor(parent: UserNamespace | null, ownerUid: number, ownerGid: number) {
    this.parent = parent;
    this.level = parent === null ? 0 : parent.level + 1;
    this.ownerUid = ownerUid;
    this.ownerGid = ownerGid;
    this.uidMap = parent === null ? IDENTITY : [];
    this.gidMap = parent === null ? IDENTITY : [];
    if (parent !== null) this.isSetgroupsAllowed = parent.isSetgroupsAllowed;
  }

  /** make_kuid: INVALID_ID when not mapped. */
  toKuid(uid: number): number {
    return mapDown(this.uidMap, uid);
  }

  toKgid(gid: number): number {
    return mapDown(this.gidMap, gid);
  }

  /** from_kuid: INVALID_ID when not mapped. */
  fromKuid(kuid: number): number {
    return mapUp(this.uidMap, kuid);
  }

  fromKgid(kgid: number): number {
    return mapUp(this.gidMap, kgid);
  }

  /** from_kuid_munged: the overflow id when not mapped. */
  showUid(kuid: number): number {
    const uid = mapUp(this.uidMap, kuid);
    return uid === INVALID_ID ? OVERFLOW_ID : uid;
  }

  showGid(kgid: number): number {
    const gid = mapUp(this.gidMap, kgid);
    return gid === INVALID_ID ? OVERFLOW_ID : gid;
  }

  /** True for this namespace and those below it. */
  isAncestorOf(other: UserNamespace): boolean {
    for (let ns: UserNamespace | null = other; ns !== null; ns = ns.parent) if (ns === this) return true;
    return false;
  }
}

const mapDown = (map: readonly IdExtent[], id: number): number => {
  for (const extent of map) {
    if (id >= extent.inside && id - extent.inside < extent.count) return extent.outside + (id - extent.inside);
  }
  return INVALID_ID;
};

const mapUp = (map: readonly IdExtent[], id: number): number => {
  for (const extent of map) {
    if (id >= extent.outside && id - extent.outside < extent.count) return extent.inside + (id - extent.outside);
  }
  return INVALID_ID;
};

export const rootUserNamespace = new UserNamespace(null, 0, 0);

/** What the sandbox begins in, and what owns its other namespaces: the root namespace, or that of a container with id mappings. */
const initial = { namespace: rootUserNamespace };

export const initialUserNamespace = (): UserNamespace => initial.namespace;

export interface UserNamespaceMaps {
  readonly uids: readonly IdExtent[];
  readonly gids: readonly IdExtent[];
  readonly isSetgroupsAllowed: boolean;
}

/** Once, before anything else of the kernel exists. */
export const beginInUserNamespace = ({ uids, gids, isSetgroupsAllowed }: UserNamespaceMaps): void => {
  const namespace = new UserNamespace(rootUserNamespace, 0, 0);
  namespace.uidMap = uids;
  namespace.gidMap = gids;
  namespace.isSetgroupsAllowed = isSetgroupsAllowed;
  initial.namespace = namespace;
};
