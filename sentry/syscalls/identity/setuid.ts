import { CAP_SETUID } from "../../../syscall-tables/flags/system.ts";
import { EINVAL, type Errno, isErrno } from "../../abi/errno.ts";
import { commitCreds } from "../../task/commit-creds.ts";
import { type Ids, setAll, setId, setRealEffective, UNCHANGED, uidsOf, withFsuid, withUids } from "../../task/set-ids.ts";
import type { Task } from "../../task/task.ts";
import { INVALID_ID } from "../../task/user-namespace.ts";
import { implement } from "../implement.ts";

const isPrivileged = ({ creds }: Task): boolean => creds.hasIn(creds.userNamespace, CAP_SETUID);

const apply = (task: Task, ids: Ids | Errno): number => {
  if (isErrno(ids)) return ids;
  commitCreds(task, withUids(task.creds, ids));
  return 0;
};

/** True when an id is given but means nobody in the caller's user namespace. */
const isUnmapped = (task: Task, uid: number): boolean => uid !== UNCHANGED && task.creds.userNamespace.toKuid(uid) === INVALID_ID;
const toKuid = (task: Task, uid: number): number => (uid === UNCHANGED ? UNCHANGED : task.creds.userNamespace.toKuid(uid));

/** setuid(2) */
export const sys_setuid = implement("setuid", { level: "full" }, (task, uid) => {
  const kuid = task.creds.userNamespace.toKuid(uid);
  return kuid === INVALID_ID ? EINVAL : apply(task, setId(uidsOf(task.creds), kuid, isPrivileged(task)));
});

/** setreuid(2) */
export const sys_setreuid = implement("setreuid", { level: "full" }, (task, real, effective) => {
  if (isUnmapped(task, real) || isUnmapped(task, effective)) return EINVAL;
  return apply(task, setRealEffective(uidsOf(task.creds), toKuid(task, real), toKuid(task, effective), isPrivileged(task)));
});

/** setresuid(2) */
export const sys_setresuid = implement("setresuid", { level: "full" }, (task, real, effective, saved) => {
  if (isUnmapped(task, real) || isUnmapped(task, effective) || isUnmapped(task, saved)) return EINVAL;
  const ids = setAll(uidsOf(task.creds), toKuid(task, real), toKuid(task, effective), toKuid(task, saved), isPrivileged(task));
  return apply(task, ids);
});

/** setfsuid(2): returns the old id and tells errors by nothing else. */
export const sys_setfsuid = implement("setfsuid", { level: "full" }, (task, uid) => {
  const { creds } = task;
  const old = creds.userNamespace.showUid(creds.fsuid);
  const kuid = creds.userNamespace.toKuid(uid);
  if (kuid === INVALID_ID || kuid === creds.fsuid) return old;
  if (kuid === creds.uid || kuid === creds.euid || kuid === creds.suid || isPrivileged(task)) commitCreds(task, withFsuid(creds, kuid));
  return old;
});
