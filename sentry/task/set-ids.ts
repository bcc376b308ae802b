/** The rules of setuid(2) and its family (kernel/sys.c), which hold for user and group ids alike. */

import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_LINUX_IMMUTABLE,
  CAP_MAC_OVERRIDE,
  CAP_MKNOD,
} from "../../syscall-tables/flags/system.ts";
import { CapabilitySet, SECBIT_KEEP_CAPS, SECBIT_NO_SETUID_FIXUP } from "../abi/capability.ts";
import { EPERM, type Errno } from "../abi/errno.ts";
import type { Credentials } from "./credentials.ts";
import { INVALID_ID } from "./user-namespace.ts";

/** The four ids of one kind. */
export interface Ids {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  readonly fs: number;
}

/** (uid_t)-1 leaves an id as it is. */
export const UNCHANGED = INVALID_ID;

/** setuid(2), setgid(2). */
export const setId = (old: Ids, id: number, isPrivileged: boolean): Ids | Errno => {
  if (isPrivileged) return { real: id, effective: id, saved: id, fs: id };
  return id === old.real || id === old.saved ? { ...old, effective: id, fs: id } : EPERM;
};

/** setreuid(2), setregid(2). */
export const setRealEffective = (old: Ids, real: number, effective: number, isPrivileged: boolean): Ids | Errno => {
  if (!isPrivileged) {
    if (real !== UNCHANGED && real !== old.real && real !== old.effective) return EPERM;
    if (effective !== UNCHANGED && effective !== old.real && effective !== old.effective && effective !== old.saved) return EPERM;
  }
  const newEffective = effective === UNCHANGED ? old.effective : effective;
  const changesSaved = real !== UNCHANGED || (effective !== UNCHANGED && effective !== old.real);
  return {
    real: real === UNCHANGED ? old.real : real,
    effective: newEffective,
    saved: changesSaved ? newEffective : old.saved,
    fs: newEffective,
  };
};

/** setresuid(2), setresgid(2). */
export const setAll = (old: Ids, real: number, effective: number, saved: number, isPrivileged: boolean): Ids | Errno => {
  const isOwn = (id: number): boolean => id === UNCHANGED || id === old.real || id === old.effective || id === old.saved;
  if (!isPrivileged && !(isOwn(real) && isOwn(effective) && isOwn(saved))) return EPERM;
  const newEffective = effective === UNCHANGED ? old.effective : effective;
  return {
    real: real === UNCHANGED ? old.real : real,
    effective: newEffective,
    saved: saved === UNCHANGED ? old.saved : saved,
    fs: newEffective,
  };
};

export const uidsOf = (creds: Credentials): Ids => ({ real: creds.uid, effective: creds.euid, saved: creds.suid, fs: creds.fsuid });
export const gidsOf = (creds: Credentials): Ids => ({ real: creds.gid, effective: creds.egid, saved: creds.sgid, fs: creds.fsgid });

export const withGids = (creds: Credentials, ids: Ids): Credentials =>
  creds.with({ gid: ids.real, egid: ids.effective, sgid: ids.saved, fsgid: ids.fs });

/** New user ids, with what they do to capabilities (cap_task_fix_setuid, cap_emulate_setxuid). */
export const withUids = (old: Credentials, ids: Ids): Credentials => {
  const creds = old.with({ uid: ids.real, euid: ids.effective, suid: ids.saved, fsuid: ids.fs });
  if ((old.securebits & SECBIT_NO_SETUID_FIXUP) !== 0) return creds;
  const root = old.userNamespace.toKuid(0);
  let { capPermitted, capEffective, capAmbient } = old;
  const wasRoot = old.uid === root || old.euid === root || old.suid === root;
  const isRoot = ids.real === root || ids.effective === root || ids.saved === root;
  if (wasRoot && !isRoot) {
    if ((old.securebits & SECBIT_KEEP_CAPS) === 0) {
      capPermitted = CapabilitySet.EMPTY;
      capEffective = CapabilitySet.EMPTY;
    }
    capAmbient = CapabilitySet.EMPTY;
  }
  if (old.euid === root && ids.effective !== root) capEffective = CapabilitySet.EMPTY;
  if (old.euid !== root && ids.effective === root) capEffective = capPermitted;
  return creds.with({ capPermitted, capEffective, capAmbient });
};

/** CAP_FS_SET: what follows the filesystem uid. */
const FS_CAPABILITIES = CapabilitySet.of(
  CAP_CHOWN,
  CAP_MKNOD,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_MAC_OVERRIDE,
  CAP_LINUX_IMMUTABLE,
);

/** setfsuid(2). */
export const withFsuid = (old: Credentials, fsuid: number): Credentials => {
  const creds = old.with({ fsuid });
  if ((old.securebits & SECBIT_NO_SETUID_FIXUP) !== 0) return creds;
  const root = old.userNamespace.toKuid(0);
  if (old.fsuid === root && fsuid !== root) return creds.with({ capEffective: old.capEffective.minus(FS_CAPABILITIES) });
  if (old.fsuid !== root && fsuid === root) {
    return creds.with({ capEffective: old.capEffective.union(FS_CAPABILITIES.intersect(old.capPermitted)) });
  }
  return creds;
};
