import { MS_NOEXEC } from "../../../syscall-tables/flags/mount.ts";
import { AT_EACCESS, AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../../../syscall-tables/flags/open.ts";
import { CapabilitySet, SECBIT_NO_SETUID_FIXUP } from "../../abi/capability.ts";
import { EACCES, EINVAL, isErrno } from "../../abi/errno.ts";
import type { Credentials } from "../../task/credentials.ts";
import type { Task } from "../../task/task.ts";

import { MAY_EXEC, mayAccessPath } from "../../vfs/permission.ts";
import { implement } from "../implement.ts";
import { atPath } from "./at-path.ts";

/** access_override_creds(): the real ids, and the capabilities that belong to them. */
const realCreds = (creds: Credentials): Credentials => {
  const keepsCaps = (creds.securebits & SECBIT_NO_SETUID_FIXUP) !== 0;
  const isRoot = creds.userNamespace.fromKuid(creds.uid) === 0;
  const capEffective = keepsCaps ? creds.capEffective : isRoot ? creds.capPermitted : CapabilitySet.EMPTY;
  if (creds.fsuid === creds.uid && creds.fsgid === creds.gid && capEffective === creds.capEffective) return creds;
  return creds.with({ fsuid: creds.uid, fsgid: creds.gid, capEffective });
};

const check = (task: Task, dirfd: number, path: string, mode: number, flags: number): number => {
  if ((mode & ~7) !== 0 || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return EINVAL;
  const before = task.creds;
  const creds = (flags & AT_EACCESS) !== 0 ? before : realCreds(before);
  task.creds = creds;
  const place = atPath(task, dirfd, path, flags);
  task.creds = before;
  if (isErrno(place)) return place;
  if (mode === 0) return 0;
  if ((mode & MAY_EXEC) !== 0 && place.dentry.inode.isRegular && (place.mount.flags & MS_NOEXEC) !== 0) return EACCES;
  return mayAccessPath(place, creds, mode);
};

/** access(2) */
export const sys_access = implement("access", { level: "full" }, (task, path, mode) => check(task, AT_FDCWD, path, mode, 0));

/** faccessat(2) */
export const sys_faccessat = implement("faccessat", { level: "full" }, (task, dirfd, path, mode) => check(task, dirfd, path, mode, 0));

/** faccessat2(2) */
export const sys_faccessat2 = implement("faccessat2", { level: "full" }, (task, dirfd, path, mode, flags) =>
  check(task, dirfd, path, mode, flags),
);
