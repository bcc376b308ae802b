/** What execve(2) makes of credentials: set-id bits, file capabilities, root's capabilities (security/commoncap.c). */

import { MS_NOSUID } from "../../syscall-tables/flags/mount.ts";
import { S_ISGID, S_ISUID } from "../../syscall-tables/flags/open.ts";
import { ADDR_COMPAT_LAYOUT, ADDR_NO_RANDOMIZE, MMAP_PAGE_ZERO, READ_IMPLIES_EXEC } from "../../syscall-tables/flags/prctl.ts";
import { CAP_SETUID, CAP_SYS_PTRACE } from "../../syscall-tables/flags/system.ts";
import { CapabilitySet, SECBIT_KEEP_CAPS, SECBIT_NOROOT } from "../abi/capability.ts";
import { EPERM, type Errno, isErrno } from "../abi/errno.ts";
import type { Credentials } from "../task/credentials.ts";
import type { Task } from "../task/task.ts";
import { INVALID_ID, type UserNamespace } from "../task/user-namespace.ts";

import type { OpenFile } from "../vfs/open-file.ts";

const S_IXGRP = 0o010;
const VFS_CAP_REVISION_MASK = 0xff00_0000;
const VFS_CAP_REVISION_1 = 0x0100_0000;
const VFS_CAP_REVISION_2 = 0x0200_0000;
const VFS_CAP_REVISION_3 = 0x0300_0000;
const VFS_CAP_FLAGS_EFFECTIVE = 1;
const PER_CLEAR_ON_SETID = READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | MMAP_PAGE_ZERO;

export interface ExecCredentials {
  readonly creds: Credentials;
  /** AT_SECURE. */
  readonly isSecure: boolean;
  /** The ids or the permitted capabilities are others than before: not dumpable. */
  readonly hasChanged: boolean;
  /** Personality bits that go. */
  readonly personalityClear: number;
}

interface FileCapabilities {
  readonly permitted: CapabilitySet;
  readonly inheritable: CapabilitySet;
  readonly isEffective: boolean;
}

/** rootid_owns_currentns(): `kuid` is root in `namespace` or in one above it. */
const isRootOf = (kuid: number, namespace: UserNamespace): boolean => {
  for (let at: UserNamespace | null = namespace; at !== null; at = at.parent) if (at.fromKuid(kuid) === 0) return true;
  return false;
};

/** security.capability of `file`; null without (get_vfs_caps_from_disk). */
const fileCapabilities = (file: OpenFile, namespace: UserNamespace): FileCapabilities | Errno | null => {
  const value = file.inode.getXattr("security.capability");
  if (isErrno(value) || value.length < 12) return null;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const magic = view.getUint32(0, true);
  const revision = (magic & VFS_CAP_REVISION_MASK) >>> 0;
  const size = revision === VFS_CAP_REVISION_1 ? 12 : revision === VFS_CAP_REVISION_2 ? 20 : revision === VFS_CAP_REVISION_3 ? 24 : 0;
  if (size === 0 || value.length !== size) return null;
  // Revision 3 is for one user namespace and those below it, known by its root's uid.
  if (revision === VFS_CAP_REVISION_3 && !isRootOf(view.getUint32(20, true), namespace)) return null;
  const has64 = revision !== VFS_CAP_REVISION_1;
  return {
    permitted: new CapabilitySet(view.getUint32(4, true), has64 ? view.getUint32(12, true) : 0).intersect(CapabilitySet.FULL),
    inheritable: new CapabilitySet(view.getUint32(8, true), has64 ? view.getUint32(16, true) : 0).intersect(CapabilitySet.FULL),
    isEffective: (magic & VFS_CAP_FLAGS_EFFECTIVE) !== 0,
  };
};

/** bprm_creds_from_file(): the credentials after the exec of `file`, or EPERM when it must have capabilities it cannot get. */
export const credentialsFor = (task: Task, file: OpenFile): ExecCredentials | Errno => {
  const old = task.creds;
  const isNosuid = ((file.path?.mount.flags ?? 0) & MS_NOSUID) !== 0;
  let personalityClear = 0;
  let { euid, egid } = old;
  const { mode, uid, gid } = file.inode;
  // bprm_fill_uid(): ids that the namespace does not map give nothing.
  const isMapped = old.userNamespace.fromKuid(uid) !== INVALID_ID && old.userNamespace.fromKgid(gid) !== INVALID_ID;
  if (!isNosuid && !task.noNewPrivileges && isMapped) {
    if (mode & S_ISUID) euid = uid;
    // Set-group-ID without execution by the group used to mean mandatory locking.
    if ((mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) egid = gid;
    if (euid !== old.euid || egid !== old.egid) personalityClear = PER_CLEAR_ON_SETID;
  }
  let permitted = CapabilitySet.EMPTY;
  let isEffective = false;
  const caps = isNosuid ? null : fileCapabilities(file, old.userNamespace);
  if (caps !== null && isErrno(caps)) return caps;
  if (caps !== null) {
    permitted = old.capBounding.intersect(caps.permitted).union(old.capInheritable.intersect(caps.inheritable));
    isEffective = caps.isEffective;
    // A program with the effective bit cannot know that it lacks some.
    if (isEffective && !caps.permitted.isSubsetOf(permitted)) return EPERM;
  }
  const root = old.userNamespace.toKuid(0);
  if ((old.securebits & SECBIT_NOROOT) === 0 && !(caps !== null && old.uid !== root && euid === root)) {
    if (euid === root || old.uid === root) permitted = old.capBounding.union(old.capInheritable);
    if (euid === root) isEffective = true;
  }
  const isIdChanged = euid !== old.euid || !(egid === old.egid || old.isInGroup(egid));
  const isGained = !permitted.isSubsetOf(old.capPermitted);
  if (isGained) personalityClear = PER_CLEAR_ON_SETID;
  if ((isIdChanged || isGained) && isUnsafe(task)) {
    // Downgrade: somebody who stays unprivileged could steer the program.
    if (!old.has(CAP_SETUID) || task.noNewPrivileges) {
      euid = old.uid;
      egid = old.gid;
    }
    permitted = permitted.intersect(old.capPermitted);
  }
  const ambient = caps !== null || isIdChanged ? CapabilitySet.EMPTY : old.capAmbient;
  permitted = permitted.union(ambient);
  const effective = isEffective ? permitted : ambient;
  const creds = old.with({
    euid,
    suid: euid,
    fsuid: euid,
    egid,
    sgid: egid,
    fsgid: egid,
    capPermitted: permitted,
    capEffective: effective,
    capAmbient: ambient,
    securebits: old.securebits & ~SECBIT_KEEP_CAPS,
  });
  const isRaised = old.uid !== root && (isEffective || !permitted.isSubsetOf(ambient));
  return {
    creds,
    isSecure: isIdChanged || euid !== old.uid || egid !== old.gid || isRaised,
    hasChanged: euid !== old.euid || egid !== old.egid || !permitted.isSubsetOf(old.capPermitted),
    personalityClear,
  };
};

/** check_unsafe_exec(): no_new_privs, a tracer who may not do so to anybody, or a root and working directory that somebody else can change. */
const isUnsafe = (task: Task): boolean => {
  if (task.noNewPrivileges) return true;
  const tracer = task.trace?.tracer;
  if (tracer !== undefined && !tracer.creds.hasIn(task.creds.userNamespace, CAP_SYS_PTRACE)) return true;
  let sharers = 0;
  for (const sibling of task.process.tasks.values()) if (sibling.fs === task.fs) sharers++;
  return task.fs.references > sharers;
};
