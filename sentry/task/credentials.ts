/** Who a task is: ids and capabilities (credentials(7), capabilities(7)). Immutable; a change makes a new object. */
import { CapabilitySet } from "../abi/capability.ts";
import type { Domain } from "../landlock/domain.ts";
import { rootUserNamespace, type UserNamespace } from "./user-namespace.ts";

/** All ids are those of the root user namespace. */
export interface CredentialFields {
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly gid: number;
  readonly egid: number;
  readonly sgid: number;
  readonly fsgid: number;
  /** Supplementary groups, ascending. */
  readonly groups: readonly number[];
  readonly capEffective: CapabilitySet;
  readonly capPermitted: CapabilitySet;
  readonly capInheritable: CapabilitySet;
  readonly capBounding: CapabilitySet;
  readonly capAmbient: CapabilitySet;
  readonly securebits: number;
  readonly userNamespace: UserNamespace;
  /** landlock(7); null: it has taken nothing from itself. */
  readonly landlock: Domain | null;
}

export class Credentials implements CredentialFields {
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly gid: number;
  readonly egid: number;
  readonly sgid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];
  readonly capEffective: CapabilitySet;
  readonly capPermitted: CapabilitySet;
  readonly capInheritable: CapabilitySet;
  readonly capBounding: CapabilitySet;
  readonly capAmbient: CapabilitySet;
  readonly securebits: number;
  readonly userNamespace: UserNamespace;
  readonly landlock: Domain | null;

  constructor(fields: CredentialFields) {
    this.uid = fields.uid;
    this.euid = fields.euid;
    this.suid = fields.suid;
    this.fsuid = fields.fsuid;
    this.gid = fields.gid;
    this.egid = fields.egid;
    this.sgid = fields.sgid;
    this.fsgid = fields.fsgid;
    this.groups = fields.groups;
    this.capEffective = fields.capEffective;
    this.capPermitted = fields.capPermitted;
    this.capInheritable = fields.capInheritable;
    this.capBounding = fields.capBounding;
    this.capAmbient = fields.capAmbient;
    this.securebits = fields.securebits;
    this.userNamespace = fields.userNamespace;
    this.landlock = fields.landlock;
  }

  /** A copy with some fields changed. */
  with(change: Partial<CredentialFields>): Credentials {
    return new Credentials({ ...this, ...change });
  }

  /** capable(): the capability over the root user namespace. */
  has(capability: number): boolean {
    return this.userNamespace.level === 0 && this.capEffective.has(capability);
  }

  /** ns_capable(): the capability over `ns` (user_namespaces(7), "Capabilities"). */
  hasIn(ns: UserNamespace, capability: number): boolean {
    for (let at: UserNamespace | null = ns; at !== null; at = at.parent) {
      if (at === this.userNamespace) return this.capEffective.has(capability);
      if (at.level <= this.userNamespace.level) return false;
      if (at.parent === this.userNamespace && at.ownerUid === this.euid) return true;
    }
    return false;
  }

  /** in_group_p(): by the filesystem group. */
  isInGroup(gid: number): boolean {
    return gid === this.fsgid || this.groups.includes(gid);
  }

  /** in_egroup_p(): by the effective group. */
  isInEffectiveGroup(gid: number): boolean {
    return gid === this.egid || this.groups.includes(gid);
  }

  /** Plain credentials of `uid:gid` in the root namespace. `permitted` also becomes effective. */
  static create(
    uid: number,
    gid: number,
    groups: readonly number[] = [],
    permitted: CapabilitySet = uid === 0 ? CapabilitySet.FULL : CapabilitySet.EMPTY,
    bounding: CapabilitySet = CapabilitySet.FULL,
  ): Credentials {
    return new Credentials({
      uid,
      euid: uid,
      suid: uid,
      fsuid: uid,
      gid,
      egid: gid,
      sgid: gid,
      fsgid: gid,
      groups: [...groups].sort((a, b) => a - b),
      capEffective: permitted,
      capPermitted: permitted,
      capInheritable: CapabilitySet.EMPTY,
      capBounding: bounding,
      capAmbient: CapabilitySet.EMPTY,
      securebits: 0,
      userNamespace: rootUserNamespace,
      landlock: null,
    });
  }
}
